#pragma once
#include <cstdlib>
#include <mutex>
inline int mutant_number() { static const int n = [] { const char* e = std::getenv("HR_MUTANT"); return e ? std::atoi(e) : 0; }(); return n; }
inline bool mutant(int n) { return mutant_number() == n; }
inline std::recursive_mutex& mutant_lock() { static std::recursive_mutex m; return m; }
