"""Whether what clients saw of one container name could have happened one operation after the other.

A history is a list of Operations with the times at which each was asked and answered. It is
linearizable when every operation can be given one moment between the two (stop, restart and a forced
removal: two moments, they wait for a process) so that, in the order of these moments, a container of
docker's rules would have given exactly these answers (Herlihy and Wing).
"""

import collections

Operation = collections.namedtuple("Operation", "asked answered what status seen text", defaults=[None, ""])

NONE, CREATED, RUNNING, PAUSED, EXITED = "none", "created", "running", "paused", "exited"
# RUNNING and PAUSED with a signal under way that ends it: they become EXITED at any moment (also the
# second: what is past the signal does not freeze any more).
DYING, FROZEN = "dying", "frozen"
DOOMED = {RUNNING: DYING, PAUSED: DYING, DYING: DYING, FROZEN: DYING}

LOOKS = {NONE: {None}, CREATED: {"created"}, RUNNING: {"running"}, PAUSED: {"paused"}, EXITED: {"exited"},
         DYING: {"running"}, FROZEN: {"paused"}}  # fmt: skip

MISSING = {(404, NONE)}


# Each rule gives the (answer, new state) that a step may have in a state; no answer yet: a step follows.


def create(state):
    return {(201, CREATED)} if state == NONE else {(409, state)}


def start(state):
    return {
        NONE: MISSING, CREATED: {(204, RUNNING)}, EXITED: {(204, RUNNING)}, RUNNING: {(304, RUNNING)},
        PAUSED: {(409, PAUSED)}, DYING: {(304, DYING)}, FROZEN: {(409, FROZEN)},
    }[state]  # fmt: skip


def stop(state):
    if state in DOOMED:
        return {(None, DYING)}
    return MISSING if state == NONE else {(304, state)}


def stopped(state):
    return {(204, EXITED if state in (DYING, FROZEN) else state)}


def restart(state):
    return MISSING if state == NONE else {(None, DOOMED.get(state, state))}


def restarted(state):
    """Between the two somebody else may have paused or removed it, or begun to remove it."""
    if state == NONE:
        return MISSING
    return {(409, state)} | ({(204, RUNNING)} if state not in (PAUSED, FROZEN) else set())


def kill(state):
    if state in DOOMED:
        return {(204, DYING)}
    return MISSING if state == NONE else {(409, state)}


def pause(state):
    if state == RUNNING:
        return {(204, PAUSED)}
    if state == DYING:
        return {(204, FROZEN)}
    return MISSING if state == NONE else {(409, state)}


def unpause(state):
    if state in (PAUSED, FROZEN):
        return {(204, RUNNING if state == PAUSED else DYING)}
    return MISSING if state == NONE else {(409, state)}


def remove(state):
    if state in DOOMED:
        return {(409, state)}
    return MISSING if state == NONE else {(204, NONE)}


def remove_force(state):
    return MISSING if state == NONE else {(None, DOOMED.get(state, state))}


def removed(_):
    return {(204, NONE)}


STEPS = {
    "create": [create], "start": [start], "stop": [stop, stopped], "restart": [restart, restarted],
    "kill": [kill], "pause": [pause], "unpause": [unpause], "remove": [remove],
    "remove-force": [remove_force, removed], "inspect": [None],
}  # fmt: skip


def after(state, operation, step):
    """The (state, steps done) that STATE may turn into by the next step; none: it cannot be."""
    steps = STEPS[operation.what]
    if operation.what == "inspect":
        return {(state, 1)} if operation.seen in LOOKS[state] else set()
    worlds = set()
    for answer, new in steps[step](state):
        if answer is None:
            worlds.add((new, step + 1))
        elif answer == operation.status:
            worlds.add((new, len(steps)))
    return worlds


def first_impossible(operations, start_state=NONE):
    """None when the history is linearizable, else the operation whose answer nothing explains.

    Walks the asked and answered moments in time with the set of all worlds that are still possible: a
    world is a state and how many steps each operation under way has done in it.
    """
    moments = sorted(
        [(operation.asked, 0, number) for number, operation in enumerate(operations)]
        + [(operation.answered, 1, number) for number, operation in enumerate(operations)]
    )
    worlds = {(start_state, frozenset())}
    under_way = set()
    for _, is_answer, number in moments:
        if not is_answer:
            under_way.add(number)
            continue
        whole = (number, len(STEPS[operations[number].what]))
        worlds = {
            (state, done - {whole})
            for state, done in reachable(worlds, under_way, operations)
            if whole in done
        }
        under_way.discard(number)
        if not worlds:
            return operations[number]
    return None


def settled(world, under_way, operations):
    """WORLD with every operation done that can be done in it without a change of state: to do them
    later is never better, and there are too many worlds as it is."""
    state, done = world
    steps_done = dict(done)
    for number in under_way:
        step = steps_done.get(number, 0)
        whole = len(STEPS[operations[number].what])
        if step < whole and (state, whole) in after(state, operations[number], step):
            steps_done[number] = whole
    return state, frozenset(steps_done.items())


def reachable(worlds, under_way, operations):
    """WORLDS and what they can become when operations under way do their steps now."""
    found = {settled(world, under_way, operations) for world in worlds}
    left = list(found)
    while left:
        state, done = left.pop()
        next_worlds = [(EXITED, done)] if state in (DYING, FROZEN) else []
        steps_done = dict(done)
        for number in under_way:
            step = steps_done.get(number, 0)
            if step < len(STEPS[operations[number].what]):
                for new, steps in after(state, operations[number], step):
                    next_worlds.append((new, done - {(number, step)} | {(number, steps)}))
        for world in next_worlds:
            world = settled(world, under_way, operations)
            if world not in found:
                found.add(world)
                left.append(world)
    return found
