#include "base/redact.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/mutex.h"

namespace vesto {

namespace {

// The forms in which a secret stands in texts are made with all their room at once: a string that
// grows leaves its bytes behind in freed memory.
std::string url_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() * 3);
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xF];
    }
  }
  return out;
}

std::string quotes_doubled(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 2);
  for (const char c : text) {
    if (c == '\\' || c == '\'') out += c;
    out += c;
  }
  return out;
}

struct Forms {
  std::string url;
  std::string quoted;
};

struct Registered {
  const std::string* value;
  const Forms* forms;
};

struct Registry {
  Mutex mutex;
  std::vector<Registered> values VESTO_GUARDED_BY(mutex);
};

// Never destroyed: secrets of static duration may outlive any other order.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

}  // namespace

struct Secret::Holder {
  std::string value;
  Forms forms;

  explicit Holder(std::string_view text)
      : value(text), forms{url_encoded(text), quotes_doubled(text)} {
    Registry& all = registry();
    Lock lock(all.mutex);
    all.values.push_back({&value, &forms});
  }
  ~Holder() {
    Registry& all = registry();
    {
      Lock lock(all.mutex);
      std::erase_if(all.values, [this](const Registered& one) { return one.value == &value; });
    }
    wipe(&value);
    wipe(&forms.url);
    wipe(&forms.quoted);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
};

Secret::Secret(std::string&& value) : holder_(std::make_shared<const Holder>(value)) {
  wipe(&value);
}

Secret::Secret(const std::string& value) : holder_(std::make_shared<const Holder>(value)) {}

const std::string& Secret::reveal() const {
  static const std::string kEmpty;
  return holder_ ? holder_->value : kEmpty;
}

void wipe(std::string* text) {
  // Up to the capacity: bytes behind the end may be those of a longer value before.
  text->resize(text->capacity());
  OPENSSL_cleanse(text->data(), text->size());
  text->clear();
}

namespace {

struct Found {
  size_t begin;
  size_t end;
};

// Every place of `form` in `text`, also those that overlap.
void find_all(std::string_view text, std::string_view form, std::vector<Found>* out) {
  for (size_t at = text.find(form); at != std::string_view::npos; at = text.find(form, at + 1)) {
    const size_t end = at + form.size();
    if (!out->empty() && out->back().end > at && out->back().begin <= at) {
      out->back().end = std::max(out->back().end, end);
    } else {
      out->push_back({at, end});
    }
  }
}

}  // namespace

// All secrets are looked for in the text as it came, and what any of them covers goes: were they
// replaced one after the other, a short one would break the match of a longer one around it.
std::string redact(std::string_view text) {
  constexpr size_t kShortest = 4;  // shorter ones would blank out ordinary words
  std::vector<Found> found;
  {
    Registry& all = registry();
    Lock lock(all.mutex);
    for (const Registered& one : all.values) {
      if (one.value->size() < kShortest) continue;
      for (const std::string* form :
           std::array<const std::string*, 3>{one.value, &one.forms->url, &one.forms->quoted}) {
        find_all(text, *form, &found);
      }
    }
  }
  if (found.empty()) return std::string(text);
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.begin < b.begin; });
  std::string out;
  size_t done = 0;
  for (size_t i = 0; i < found.size();) {
    const size_t begin = found[i].begin;
    size_t end = found[i].end;
    for (++i; i < found.size() && found[i].begin < end; ++i) end = std::max(end, found[i].end);
    out += text.substr(done, begin - done);
    out += "***";
    done = end;
  }
  out += text.substr(done);
  return out;
}

}  // namespace vesto
