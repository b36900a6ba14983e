#!/bin/sh
# Fetches the Autobahn TestSuite, privately into build/autobahn. It is written in Python 2.7, so that
# is needed too: one that is on this machine (python2.7 on the PATH, or one of pyenv's), else, as
# root on Debian, that of Debian 11 in a root directory of its own, 700 MB from the mirror that the
# machine's own apt uses. Leaves build/autobahn/python2.7, a program that runs Python with the suite,
# and build/autobahn/work, whose path is the same inside and outside of such a root.
# Where it cannot be had one loud line says so, and this fails.
set -u
cd "$(dirname "$0")/.." || exit 1
suite=autobahntestsuite==25.10.1
here=$PWD/build/autobahn
python=$here/python2.7
log=$here/install.log
mkdir -p "$here"

say() { echo "require-autobahn: $*" >&2; }

without() {
    say "NOT TESTED with the Autobahn TestSuite: $*"
    exit 1
}

has_suite() { "$python" -c 'import autobahntestsuite.fuzzing' >/dev/null 2>&1; }

# Prints the path of a Python 2.7 that works. What pyenv puts on the PATH may be an empty promise.
find_python() {
    for candidate in python2.7 $(
        pyenv versions --bare 2>/dev/null | grep '^2\.7' | while read -r version; do
            echo "$(pyenv prefix "$version")/bin/python2.7"
        done
    ); do
        "$candidate" -c 'import sys; sys.stdout.write(sys.executable)' 2>/dev/null && return
    done
    return 1
}

# usage: write_python COMMAND...
write_python() {
    {
        echo "#!/bin/sh"
        echo "exec $* \"\$@\""
    } >"$python"
    chmod +x "$python"
}

# virtualenv 20.21 is the last one that makes environments for Python 2.7.
with_python() {
    rm -rf "$here/tool" "$here/environment" &&
        python3 -m venv "$here/tool" &&
        "$here/tool/bin/pip" install 'virtualenv<20.22' &&
        "$here/tool/bin/virtualenv" -p "$1" "$here/environment" &&
        "$here/environment/bin/pip" install "$suite" &&
        mkdir -p "$here/work" &&
        write_python "'$here/environment/bin/python'"
}

debian_mirror() {
    apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^Debian|main|//p' | head -n 1
}

# The server leads a life in the root directory, so what it reads and writes has to lie there.
with_debian() {
    root=$here/debian
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || return 1
    if ! command -v debootstrap; then
        apt-get update && DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends debootstrap || return 1
    fi
    rm -rf "$root" "$here/work" &&
        debootstrap --variant=minbase \
            --include=python2.7,python2.7-dev,python3-pip,gcc,libc6-dev,ca-certificates \
            bullseye "$root" "$mirror" &&
        cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" &&
        # The pip and setuptools that come with virtualenv there are broken for 2.7.
        chroot "$root" /bin/sh -ec "
            pip3 install 'virtualenv<20.22'
            python3 -m virtualenv -p python2.7 /environment
            /environment/bin/pip install --force-reinstall pip==20.3.4 setuptools==44.0.0
            /environment/bin/pip install $suite
        " &&
        mkdir -p "$root$here/work" &&
        ln -s "$root$here/work" "$here/work" &&
        write_python "chroot '$root' /environment/bin/python"
}

has_suite && exit 0
command -v python3 >/dev/null || without "there is no python3"
if old_python=$(find_python); then
    say "installing $suite for $old_python"
    with_python "$old_python" >"$log" 2>&1 ||
        without "it cannot be installed, see build/autobahn/install.log"
elif [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "installing $suite and Python 2.7 in a Debian 11 of its own, which takes some minutes"
    with_debian >"$log" 2>&1 ||
        without "there is no Python 2.7, and no Debian 11 to be had, see build/autobahn/install.log"
else
    without "there is no Python 2.7 (pyenv install 2.7.18), and only root can install a Debian 11"
fi
has_suite || without "it does not start, see build/autobahn/install.log"
