# The steps that ./dev puts together. Sourced by ./dev, which runs at the top of the repository.
# shellcheck shell=bash

passed=0
failed=0
skipped=0
suite_limit_s=600
failures=() # what failed, in words

sources() {
        find include src sim tests examples -name '*.[ch]' -print0 | sort -z
}

# Runs a command whose output matters only when it fails.
quietly() {
        local log status=0
        log=$(mktemp)
        "$@" >"$log" 2>&1 || status=$?
        [[ $status -eq 0 ]] || cat "$log" >&2
        rm -f "$log"
        return "$status"
}

# configure DIR [OPTION...]: once; afterwards ninja calls meson by itself when the description changes.
configure() {
        local dir=$1
        shift
        [[ -f $dir/build.ninja ]] || quietly meson setup "$dir" "$@"
}

compile() {
        if [[ -t 1 ]]; then ninja -C "$1"; else ninja --quiet -C "$1"; fi
}

build_host() {
        CC=${CC:-gcc} configure build && compile build
}

build_docs() {
        CC=${CC:-gcc} configure build && ninja --quiet -C build docs/calls.md
}

build_clang() {
        CC=clang configure build-clang --werror -Doptimization=0 && compile build-clang
}

build_sanitized() {
        CC=gcc configure build-asan --werror -Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=all && compile build-asan
}

build_tsan() {
        CC=gcc configure build-tsan --werror -Db_sanitize=thread && compile build-tsan
}

build_release() {
        CC=gcc configure build-release --buildtype=release && compile build-release
}

build_target() {
        configure build-target --cross-file sim/target/cortex-m33.ini && compile build-target
}

lint_format() {
        sources | xargs -0 clang-format --dry-run --Werror
}

# lint_tidy [OPTION...]: looks at what the clang build compiles: clang-tidy does not understand all of gcc's options.
lint_tidy() {
        quietly tidy_all "$@"
}

tidy_all() {
        python3 packaging/compiled_sources.py build-clang |
                xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build-clang --quiet --warnings-as-errors='*' "$@"
}

# The analyzer, which follows paths through the code, takes more time than all other checks.
lint_tidy_briefly() {
        lint_tidy --checks='-clang-analyzer-*'
}

lint_shell() {
        if command -v shellcheck >/dev/null; then shellcheck -x dev .ci/run packaging/*.sh examples/*/demo examples/common/*.sh; fi
}

# step NAME COMMAND...: a failure is counted and does not stop what follows.
step() {
        local name=$1 start=$SECONDS
        shift
        say "$name"
        if "$@"; then
                say "$name: done in $((SECONDS - start)) s"
                return 0
        fi
        say "$name: FAILED"
        failed=$((failed + 1))
        failures+=("$name")
        return 1
}

# suite NAME DIR LOG SLOWER [OPTION...]: runs the tests of a build, with time limits for a machine that is SLOWER times
# slower, and counts what meson wrote to its log. A run that hangs is ended, so that the others get their turn.
suite() {
        local name=$1 dir=$2 log=$2/meson-logs/$3 slower=$4 status=0 counts p f s
        shift 4
        say "$name"
        rm -f "$log"
        CK_TIMEOUT_MULTIPLIER=$slower timeout --foreground --kill-after=10 "$suite_limit_s" \
                meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier "$slower" "$@" || status=$?
        counts=$(python3 packaging/count_tests.py "$log" "$status") || counts='0 1 0'
        read -r p f s <<<"$counts"
        say "$name: $p passed, $f failed, $s skipped"
        passed=$((passed + p))
        failed=$((failed + f))
        skipped=$((skipped + s))
        [[ $f -eq 0 ]] || failures+=("$name")
}

# The plain run of a build's tests, which records which call returned which status.
suite_recorded() {
        rm -f "$1/coverage.bin"
        MVSIM_COVERAGE=$PWD/$1/coverage.bin suite 'tests' "$1" testlog.json 1
}

# Fewer than all the pairs is a failure; the report says which are missing.
show_coverage() {
        "$1/mvsim" coverage --natural --fail-under 100 "$1/coverage.bin"
}

# with_tsan COMMAND...: children of a test may have threads, do not join those of their parent, and end by the signals
# that a test expects.
with_tsan() {
        local options='halt_on_error=1:die_after_fork=0:report_thread_leaks=0'
        options+=':handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0'
        TSAN_OPTIONS=$options CK_FORK=no "$@"
}

suite_tsan() {
        with_tsan suite 'tests under ThreadSanitizer' "$1" testlog.json 3 --no-suite no-tsan --no-suite scripts
}

# suite_valgrind DIR [TEST...]: those, or all there are but scripts and tests of the suite `no-valgrind`. The tests of a
# program run in one process (CK_FORK): in a child for each, valgrind would translate the whole code again. Watches no
# programs that a test starts. Without --fair-sched a thread that computes would keep the others from running.
suite_valgrind() {
        local dir=$1 tests wrapper='valgrind --quiet --error-exitcode=99 --leak-check=full --fair-sched=yes'
        wrapper+=" --errors-for-leak-kinds=definite --show-leak-kinds=definite '--suppressions=$PWD/packaging/valgrind.supp'"
        shift
        tests=("$@")
        [[ $# -gt 0 ]] || mapfile -t tests < <(python3 packaging/compiled_tests.py "$dir")
        CK_FORK=no suite 'tests under valgrind' "$dir" testlog-valgrind.json 10 --no-suite no-valgrind \
                --wrapper "$wrapper" "${tests[@]}"
}

# A few suites, one for each kind of memory that changes hands; all of them take minutes (./dev thorough).
suite_valgrind_briefly() {
        suite_valgrind "$1" channels config flash http mqtt_queue opaque profile
}
