# shellcheck shell=bash
# What stages stand on: Debian's packages, a copy of the checkout, environments, one wheel.

readonly DEBIAN_PACKAGES="g++ ccache python3-dev python3-venv doctest-dev clang-14 libclang-rt-14-dev
  llvm-14 g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user chromium"

install_debian_packages() {
  local missing=() package
  for package in $DEBIAN_PACKAGES; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" ||
      missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  echo "Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$logs/apt"
}

copy_checkout() {
  mkdir -p "$copy"
  git -c safe.directory='*' -C "$checkout" ls-files -z --cached --others --exclude-standard |
    (cd "$checkout" && while IFS= read -r -d '' file; do
      [[ -e $file ]] && printf '%s\0' "$file"
    done | xargs -0 cp --parents --preserve=mode -t "$copy")
}

# Every compiler runs under ccache. Its cache lies outside the checkout and may be cold; paths in
# the copy are hashed relative to it, so that the next run's copy, elsewhere, finds them again.
use_ccache() {
  export CCACHE_DIR=${CCACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ccache}
  export CCACHE_BASEDIR=$copy CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache
}

requirement() { # the line of pyproject.toml that states a package
  "$host_python" "$checkout/.ci/requirement.py" "$copy/pyproject.toml" "$@"
}

constraints() { # the file of pinned versions for an interpreter
  "$1" -c "import sys; print('$copy/constraints/python%d.%d.txt' % sys.version_info[:2])"
}

# Two stages may need the same thing at the same time; the first one makes it.
once() {
  (
    flock 9
    [[ ! -e $work/made-$1 ]] || exit 0
    "$@"
    touch "$work/made-$1"
  ) 9>"$work/lock-$1"
}

make_tools() {
  "$host_python" -m venv "$work/tools"
  requirement ruff clang-format clang-tidy import-linter pybind11 scikit-build-core >"$work/tools.txt"
  "$work/tools/bin/pip" install -q cmake ninja -r "$work/tools.txt" -c "$(constraints "$host_python")"
}

# Linters, CMake and pybind11.
use_tools() {
  once make_tools
  # shellcheck disable=SC1091
  . "$work/tools/bin/activate"
  CMAKE_PREFIX_PATH=$(python -m pybind11 --cmakedir)
  export CMAKE_PREFIX_PATH
  cd "$copy"
}

make_wheel() {
  use_tools
  SKBUILD_BUILD_DIR=$copy/build/wheel pip wheel -q --no-deps --no-build-isolation -w "$work/wheels" .
}

# A fresh environment with the one wheel that stages share, [extras] and packages of pyproject.toml.
use_wheel() {
  local name=$1 extras=$2
  shift 2
  once make_wheel
  "$host_python" -m venv "$work/$name"
  # shellcheck disable=SC1091
  . "$work/$name/bin/activate"
  : >"$work/$name.txt"
  [[ $# -eq 0 ]] || requirement "$@" >"$work/$name.txt"
  pip install -q "$(echo "$work"/wheels/*.whl)$extras" -r "$work/$name.txt" -c "$(constraints python)"
  cd "$copy"
}

# The environment that README's first line makes, in the copy.
use_readme_environment() {
  cd "$copy"
  if [[ ! -e .venv/bin/activate ]]; then
    readme_command environment | bash -euo pipefail
  fi
  # shellcheck disable=SC1091
  . .venv/bin/activate
}

readme_command() { "$host_python" "$checkout/.ci/readme_command.py" "$copy/README.md" "$1"; }

# Prints a command of README.md and runs it as it stands there.
run_readme_command() {
  local command start=$SECONDS
  command=$(readme_command "$1")
  echo "\$ $command"
  SKBUILD_BUILD_DIR=$copy/build/readme-$1 timeout "$COMMAND_LIMIT" bash -euo pipefail -c "$command"
  echo "README's $1 command: $((SECONDS - start)) s"
}

# README's test command installs this; a stage that runs alone needs it too.
use_test_environment() {
  use_readme_environment
  [[ -e .venv/tests-installed ]] && return
  once make_wheel
  pip install -q "$(echo "$work"/wheels/*.whl)[test]" -c "$(constraints python)"
  touch .venv/tests-installed
}

expect_output() { # what a command must print, then the command
  local expected=$1 found
  shift
  found=$("$@")
  printf '%s\n%s\n' "\$ $*" "$found"
  [[ $found == "$expected" ]] || { echo "expected: $expected" && return 1; }
}
