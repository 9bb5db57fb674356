#!/usr/bin/env bash
# headers_compile_alone.sh INCLUDE_DIR: compiles every header of the contract by itself, as C11, C17, C++17, C++20 and
# C++23, with gcc and, where present, clang. Any warning, implicit padding among them, is a failure.
set -euo pipefail
export INCLUDE_DIR=$1

compile() {
  local compiler=$1 standard=$2 header=$3 language=c
  case $standard in c++*) language=c++ ;; esac
  printf '#include <%s>\n' "$header" |
    "$compiler" -x "$language" -std="$standard" -I "$INCLUDE_DIR" -fsyntax-only \
      -Wpadded -Wall -Wextra -Werror -pedantic - ||
    { echo "not alone: $header as $standard with $compiler" >&2; return 1; }
}
export -f compile

pairs=("gcc c11" "gcc c17" "g++ c++17" "g++ c++20" "g++ c++23")
for clang in clang-19 clang; do
  if command -v "$clang" > /dev/null && command -v "${clang/clang/clang++}" > /dev/null; then
    pairs+=("$clang c11" "$clang c17")
    for standard in c++17 c++20 c++23; do pairs+=("${clang/clang/clang++} $standard"); done
    break
  fi
done

mapfile -t headers < <(cd "$INCLUDE_DIR" && find . -name '*.h' -printf '%P\n' | sort)
[ "${#headers[@]}" -ge 24 ] || { echo "only ${#headers[@]} headers under $INCLUDE_DIR" >&2; exit 1; }
for pair in "${pairs[@]}"; do
  for header in "${headers[@]}"; do echo "$pair $header"; done
done | xargs -P "$(nproc)" -L 1 bash -c 'compile "$@"' compile
echo "${#headers[@]} headers, ${#pairs[@]} compilers and standards"
