"""The text of goroutine?debug=2 of several Go versions is taken apart; hostile text is passed over."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from razorprof_go.goroutine_text import groups_of, parse_goroutines
from razorprof_go.goroutines import Status

from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from razorprof.model.threads import ThreadState

TEXT = """goroutine 1 [running]:
main.(*Server).run(0xc000064000, {0x77e3c0, 0xc000064000})
\t/src/main.go:12 +0x1d
main.main()
\t/src/main.go:5 +0x2b

goroutine 18 [chan receive, 12 minutes]:
main.park(...)
\t/src/main.go:31
created by main.main in goroutine 1
\t/src/main.go:85 +0x15b

goroutine 19 [semacquire, 1 minutes, locked to thread]:
sync.runtime_SemacquireMutex(0x77e3c0?, 0x0?, 0x1?)
\t/go/src/runtime/sema.go:77 +0x26
main.waitForLock.func1()
\t/src/main.go:70 +0x31
created by main.main
\t/src/main.go:88

goroutine 21 gp=0xc000003 m=nil [select] {"request": "a]b"}:
main.loop[...](0x1)
\t/src/main.go:90 +0x31
...additional frames elided...

goroutine 22 [syscall]:
syscall.Syscall(0x0)
\t/go/src/syscall/syscall.go:68 +0x27
runtime.goexit()
\t/go/src/runtime/asm.s:1 +0x1
"""


def test_state_minutes_stack_and_maker_are_told() -> None:
    found = {one.id: one for one in parse_goroutines(TEXT)}
    assert sorted(found) == [1, 18, 19, 21, 22]
    assert found[1].status is Status.RUNNING
    assert found[1].stack == (
        Frame("main.(*Server).run", "/src/main.go", 12),
        Frame("main.main", "/src/main.go", 5),
    )
    assert (found[18].status, found[18].reason, found[18].waited) == (Status.WAITING, "chan receive", 720.0)
    assert found[18].made_by == Frame("main.main", "/src/main.go", 85)
    assert (found[19].reason, found[19].waited) == ("semacquire", 60.0)
    assert [frame.function for frame in found[19].stack] == [
        "sync.runtime_SemacquireMutex",
        "main.waitForLock.func1",
    ]
    assert (found[21].reason, found[21].waited) == ("select", None)
    assert found[21].stack[0].function == "main.loop[...]"
    assert found[22].status is Status.SYSCALL
    assert len(found[22].stack) == 1


def test_text_that_is_none_gives_nothing() -> None:
    for text in ("", "<html>not found</html>", "goroutine x [running]:\nmain.main()\n", "goroutine 1 [running]"):
        assert parse_goroutines(text) == []


@settings(deadline=None)
@given(st.text(alphabet="goroutine 12[]():\n\t/.+x,minutes", max_size=300))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    parse_goroutines("goroutine 1 [running]:\n" + text)


def test_the_profiles_form_counts_equal_stacks_and_guesses_what_they_wait_for() -> None:
    nobody = ThreadId(0)
    parked = (
        Frame("main.park", "main.go"),
        Frame("runtime.chanrecv1", "chan.go"),
        Frame("runtime.gopark", "proc.go"),
    )
    busy = (Frame("main.burn", "main.go"),)
    profile = Profile({StackKey(nobody, parked): 99_000.0, StackKey(nobody, busy): 2.0}, unit="count")
    first, second = groups_of(profile)
    assert (first.count, first.state, first.what) == (99_000, ThreadState.WAITING, "chan receive")
    assert first.frames[0].function == "runtime.gopark"
    assert (second.count, second.state) == (2, ThreadState.UNKNOWN)
