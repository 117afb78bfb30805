# The functions that scripts/quickstart and scripts/test share; both source this file from the repository root. They make
# .venv, install the project into it and build its jars, each only when something has changed.

venv_python=.venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1
keep_going="" # set: a failed step is remembered and the next one runs
failed=()

# step TITLE COMMAND...: runs a command and prints its duration; stops at the first failure, unless keep_going.
step() {
  local title="$1" began=$SECONDS
  shift
  echo
  echo "==> $title"
  if "$@"; then
    echo "    $title: done in $((SECONDS - began)) s"
  else
    echo "    $title: FAILED after $((SECONDS - began)) s" >&2
    failed+=("$title")
    [ -n "$keep_going" ] || finish
  fi
}

# finish: the last line, and the exit status.
finish() {
  echo
  if [ ${#failed[@]} -gt 0 ]; then
    (IFS=';' && echo "FAILED after $SECONDS s:" "${failed[*]}" >&2)
    exit 1
  fi
  echo "All done in $SECONDS s."
  exit 0
}

# require_java: the build and Spark need Java 17 or newer.
require_java() {
  local java="${JAVA_HOME:+$JAVA_HOME/bin/}java" version
  if ! version="$("$java" -version 2>&1)"; then
    echo "SparkVision needs Java 17, and '$java' does not run. Install a JDK 17, or set JAVA_HOME to one." >&2
    return 1
  fi
  version="$(sed -n 's/.*version "\([0-9]*\).*/\1/p' <<<"$version" | head -n 1)"
  if [ "${version:-0}" -lt 17 ]; then
    echo "SparkVision needs Java 17 or newer; '$java' is Java ${version:-(unknown)}. Set JAVA_HOME to a JDK 17." >&2
    return 1
  fi
  echo "    Java $version"
}

# find_python: Python 3.11, with which the project is tested, otherwise python3 if it is 3.10 or newer.
find_python() {
  local candidate
  for candidate in python3.11 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$candidate"
      return 0
    fi
  done
  echo "SparkVision needs Python 3.10 or newer (3.11 is what it is tested with); neither python3.11 nor python3 is." >&2
  return 1
}

make_venv() {
  local python
  "$venv_python" -c '' 2>/dev/null || { python="$(find_python)" && "$python" -m venv .venv; } || return 1
  echo "    $("$venv_python" --version) in .venv"
}

# install_project EXTRAS: editable, with these extras ("" for none); skipped when .venv holds them already.
install_project() {
  local extras="$1" stamp=.venv/sparkvision-installed wanted
  wanted="$(cat pyproject.toml hatch_build.py VERSION scripts/constraints.txt | sha256sum | cut -d ' ' -f 1)"
  # An installation with extras also serves without extras.
  if grep --quiet --line-regexp --fixed-strings "$wanted $extras" "$stamp" 2>/dev/null ||
    { [ -z "$extras" ] && grep --quiet "^$wanted " "$stamp" 2>/dev/null; }; then
    echo "    .venv is up to date."
    return 0
  fi
  rm -f "$stamp"
  "$venv_python" -m pip install --quiet --constraint scripts/constraints.txt --editable ".${extras:+[$extras]}" || return 1
  echo "$wanted $extras" >"$stamp"
}

# build_and_install EXTRAS: sbt and pip run at the same time, because both mostly wait for the network. Our build hook,
# which pip calls, waits for the lock of scripts/build_jars.py and then finds the jars current.
build_and_install() {
  local jars installed=0
  "$venv_python" scripts/build_jars.py &
  jars=$!
  install_project "$1" || installed=$?
  wait "$jars" && return "$installed"
}

# prepare EXTRAS: makes the project ready to run.
prepare() {
  step "Looking for Java 17" require_java
  step "Making .venv" make_venv
  step "Building the jars and installing the project${1:+ with $1}" build_and_install "$1"
}
