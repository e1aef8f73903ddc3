#include "base/redact.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <vector>

#include "base/mutex.h"
#include "base/strings.h"

namespace vesto {

namespace {

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += "%" + to_upper_ascii(to_hex(std::string_view(&c, 1)));
    }
  }
  return out;
}

struct Registry {
  Mutex mutex;
  std::vector<const std::string*> values VESTO_GUARDED_BY(mutex);
};

// Never destroyed: secrets of static duration may outlive any other order.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

}  // namespace

struct Secret::Holder {
  std::string value;

  explicit Holder(std::string text) : value(std::move(text)) {
    Registry& all = registry();
    Lock lock(all.mutex);
    all.values.push_back(&value);
  }
  ~Holder() {
    Registry& all = registry();
    Lock lock(all.mutex);
    std::erase(all.values, &value);
    OPENSSL_cleanse(value.data(), value.size());
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
};

Secret::Secret(std::string value) : holder_(std::make_shared<const Holder>(std::move(value))) {}

const std::string& Secret::reveal() const {
  static const std::string kEmpty;
  return holder_ ? holder_->value : kEmpty;
}

std::string redact(std::string_view text) {
  constexpr size_t kShortest = 4;  // shorter ones would blank out ordinary words
  std::string out(text);
  Registry& all = registry();
  Lock lock(all.mutex);
  for (const std::string* value : all.values) {
    if (value->size() < kShortest) continue;
    for (const std::string& form :
         {*value, url_encoded(*value), replace_all(replace_all(*value, "\\", "\\\\"), "'", "''")}) {
      if (out.find(form) != std::string::npos) out = replace_all(out, form, "***");
    }
  }
  return out;
}

}  // namespace vesto
