# shellcheck shell=bash
# What the parts of tools/dev share. They run in the repository's root.

# Debian's packages: what a build needs, and what benchmarks and tests need beyond that. The test of the figures is one
# of the tests.
# shellcheck disable=SC2034  # used by the scripts that source this
BUILD_PACKAGES=(g++ cmake ninja-build pkg-config libuv1-dev libspdlog-dev libsimdjson-dev libcli11-dev
  libtomlplusplus-dev libnats-dev nlohmann-json3-dev libpugixml-dev libelf-dev libdw-dev libgtest-dev libbenchmark-dev)
# shellcheck disable=SC2034
BENCH_PACKAGES=(valgrind python3 nats-server cargo-web golang-go)
# shellcheck disable=SC2034
TEST_PACKAGES=("${BENCH_PACKAGES[@]}" redis-server git openssl python3-venv clang-19 clang-format-19 clang-tidy-19
  libclang-rt-19-dev)

# Compilers of other machines, and what runs their programs (220 MB to fetch): for the tier `all` alone.
# shellcheck disable=SC2034
CROSS_PACKAGES=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user gcc-mingw-w64-x86-64-win32 wine64)

say() { printf 'tools/dev: %s\n' "$*"; }

die() {
  printf 'tools/dev: %s\n' "$*" >&2
  exit 2
}

# The number of single-character edits between two words.
distance() {
  local a=$1 b=$2 i j cost best
  local -a row previous=()
  for ((j = 0; j <= ${#b}; j++)); do previous[j]=$j; done
  for ((i = 1; i <= ${#a}; i++)); do
    row=("$i")
    for ((j = 1; j <= ${#b}; j++)); do
      cost=1
      [[ ${a:i-1:1} != "${b:j-1:1}" ]] || cost=0
      best=$((previous[j - 1] + cost))
      ((previous[j] + 1 >= best)) || best=$((previous[j] + 1))
      ((row[j - 1] + 1 >= best)) || best=$((row[j - 1] + 1))
      row[j]=$best
    done
    previous=("${row[@]}")
  done
  echo "${previous[${#b}]}"
}

# unknown THING WORD KNOWN…: ends with an error that names the known word nearest to WORD.
unknown() {
  local thing=$1 word=$2 nearest='' least=1000 known d
  shift 2
  for known in "$@"; do
    d=$(distance "${word:0:32}" "$known")
    if ((d < least)); then least=$d nearest=$known; fi
  done
  die "unknown $thing \`$word\`; the nearest is \`$nearest\` (\`tools/dev --help\` lists them)"
}

# install_packages NAME…: installs those that are missing with apt-get; without network when none is.
install_packages() {
  local -a missing=() as_root=()
  local name
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian: what CMake reports as missing has to be installed by hand"
    return
  fi
  for name in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "as root, run: apt-get install ${missing[*]}"
    as_root=(sudo)
    [[ -t 0 ]] || as_root+=(-n)
  fi
  say "installing from Debian's packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the package lists that are here"
  mkdir -p build
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    </dev/null >build/packages.log 2>&1 || {
    tail -n 20 build/packages.log >&2
    die "apt-get install failed; the whole output is in build/packages.log"
  }
}

# configure PRESET
configure() {
  if [[ -z ${CI:-} ]] && command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  fi
  cmake --preset "$1" --log-level=NOTICE
}

# build PRESET [cmake --build's options…]: goes on after an error, so that one run shows all of them.
build() {
  local -a ninja=(-k 0)
  [[ -t 1 ]] || ninja+=(--quiet)
  cmake --build --preset "$@" --parallel "$(nproc)" -- "${ninja[@]}"
}
