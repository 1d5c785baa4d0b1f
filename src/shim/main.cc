#include "shim/impl/shim.h"

namespace {

// Static: the parts that are never used never become memory.
constinit gantry::shim::Shim g_shim;

}  // namespace

// Takes nothing from its command line or environment: see shim/plan.h for the descriptors that it
// inherits.
int main() {
    return g_shim.run();
}
