"""The measurements of bench/run. A module gives its own as ALL: {name: function(bench)}."""
