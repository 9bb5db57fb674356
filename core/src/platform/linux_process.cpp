#include "client/mutant.hpp"
#include "platform/platform.hpp"

#include <dlfcn.h>
#include <filesystem>
#include <link.h>
#include <sys/auxv.h>
#include <system_error>

namespace ruststream::inline v0::platform {
namespace {

std::string directory_of(const std::string& path) {
  const Result<std::string> real = real_path(path);
  return real ? std::filesystem::path(*real).parent_path().string() : std::string();
}

}  // namespace

std::string executable_directory() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string() : program.parent_path().string();
}

std::string library_directory() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(&library_directory), &info) == 0 || info.dli_fname == nullptr) return {};
  return directory_of(info.dli_fname);
}

bool elevated() { return ::getauxval(AT_SECURE) != 0; }

Result<void*> load_library(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | (mutant(1) ? 0 : RTLD_NODELETE));
  if (library != nullptr) return library;
  const char* reason = ::dlerror();
  return fail(Code::unavailable, reason != nullptr ? reason : "the system gave no reason");
}

// dlsym also looks into what the library links against, so the finder is compared with the owner.
void* symbol_of(void* library, const char* name) {
  void* address = ::dlsym(library, name);
  link_map* asked = nullptr;
  void* owner = nullptr;
  Dl_info info{};
  if (address == nullptr || ::dlinfo(library, RTLD_DI_LINKMAP, static_cast<void*>(&asked)) != 0 ||
      ::dladdr1(address, &info, &owner, RTLD_DL_LINKMAP) == 0) {
    return nullptr;
  }
  return owner == asked ? address : nullptr;
}

}  // namespace ruststream::inline v0::platform
