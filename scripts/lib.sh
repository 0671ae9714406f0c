# Shared by the scripts: one virtual environment from the hashed lock, made again only when the lock changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

need_python() {
    local found
    for found in python3.13 python3.12 python3.11 python3; do
        if command -v "$found" >/dev/null && "$found" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            if ! "$found" -c 'import venv, ensurepip' 2>/dev/null; then
                echo "Python has no venv module. Install it: sudo apt-get install -y python3-venv" >&2
                exit 1
            fi
            PYTHON=$found
            return
        fi
    done
    echo "Python 3.11 or newer is needed. Install it: sudo apt-get install -y python3 python3-venv" >&2
    exit 1
}

# install LOCK: bring .venv to exactly what LOCK says (a superset lock also serves the smaller one).
install() {
    local lock=$1 stamp
    need_python
    stamp=$(cat "$lock" pyproject.toml | sha256sum | cut -d' ' -f1)
    if [ -x .venv/bin/gatehouse ] && [ -f .venv/stamp ] && grep -qx -e "$stamp" .venv/stamp; then return; fi
    if [ "$lock" = requirements.lock ] && [ -x .venv/bin/gatehouse ] && [ -f .venv/stamp ] &&
        grep -qx -e "$(cat requirements-dev.lock pyproject.toml | sha256sum | cut -d' ' -f1)" .venv/stamp; then return; fi
    echo "Installing from $lock into .venv ..." >&2
    [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
    local said
    if ! said=$(.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
        --editable . 2>&1); then
        echo "$said" >&2
        exit 1
    fi
    echo "$stamp" >.venv/stamp
}
