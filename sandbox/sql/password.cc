#include "sandbox/sql/password.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kMinPassword = 8;
constexpr size_t kMaxPassword = 64;
constexpr size_t kDigestBytes = 32;
constexpr size_t kMd5Characters = 35;
constexpr std::string_view kSha256Mark = "sha256|";
constexpr std::string_view kVerifier = "SCRAM-SHA-256$4096:";

bool has(std::string_view text, char from, char to) {
  return std::any_of(text.begin(), text.end(), [&](char c) { return c >= from && c <= to; });
}

// A clear-text password's rules; hashed forms are taken as they are.
SqlStatus check_clear(std::string_view password) {
  if (password.size() < kMinPassword || password.size() > kMaxPassword) {
    return make_sql_error("22023", "The password must be between 8 and 64 characters in length.");
  }
  if (!has(password, 'A', 'Z') || !has(password, 'a', 'z') || !has(password, '0', '9')) {
    return make_sql_error("22023",
                          "The password must contain at least one uppercase letter, one lowercase "
                          "letter, and one number.");
  }
  const bool printable = std::all_of(password.begin(), password.end(), [](char c) {
    return c >= '!' && c <= '~' && std::string_view("'\"\\/@").find(c) == std::string_view::npos;
  });
  if (!printable) {
    return make_sql_error("22023", "The password contains a character that is not allowed.");
  }
  return Unit{};
}

std::optional<std::string> read_hex(std::string_view text) {
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (text.size() != 2 * kDigestBytes) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = value(text[i]);
    const int low = value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

// Of 32 bytes: 44 characters, the last a '='.
std::optional<std::string> read_base64(std::string_view text) {
  std::optional<std::string> bytes = base64_decode(text);
  if (!bytes || bytes->size() != kDigestBytes) return std::nullopt;
  return bytes;
}

}  // namespace

std::string md5_password(std::string_view password, std::string_view user) {
  const std::string text = std::string(password) + std::string(user);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  // It cannot fail but for want of memory; an empty password then, which nobody can prove.
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) {
    return {};
  }
  return "md5" + to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

Sha256Password new_sha256(std::string_view password) {
  std::string salt = random_bytes(kDigestBytes);
  std::string digest = sha256(std::string(password) + salt);
  return {std::move(digest), std::move(salt)};
}

std::string keep_sha256(const Sha256Password& password) {
  return std::string(kVerifier) + base64_encode(password.salt) + "$" +
         base64_encode(password.digest) + ":" + base64_encode(std::string(kDigestBytes, '\0'));
}

std::optional<Sha256Password> kept_sha256(std::string_view kept) {
  constexpr size_t kBase64 = 44;
  if (!kept.starts_with(kVerifier) || kept.size() != kVerifier.size() + 3 * kBase64 + 2) {
    return std::nullopt;
  }
  kept.remove_prefix(kVerifier.size());
  const std::optional<std::string> salt = read_base64(kept.substr(0, kBase64));
  const std::optional<std::string> digest = read_base64(kept.substr(kBase64 + 1, kBase64));
  if (!salt || !digest) return std::nullopt;
  return Sha256Password{*digest, *salt};
}

SqlResult<std::string> password_to_keep(std::string_view given, std::string_view user) {
  if (given.starts_with(kSha256Mark)) {
    const std::string_view rest = given.substr(kSha256Mark.size());
    const size_t bar = rest.find('|');
    if (bar == 2 * kDigestBytes) {
      const std::optional<std::string> digest = read_hex(rest.substr(0, bar));
      const std::optional<std::string> salt = read_hex(rest.substr(bar + 1));
      if (digest && salt) return keep_sha256({*digest, *salt});
    }
    // Anything else is a clear text for Redshift to hash; a digest that is misspelt is too long.
    VESTO_TRY(check_clear(rest));
    return keep_sha256(new_sha256(rest));
  }
  if (given.starts_with("md5") && given.size() == kMd5Characters) {
    // The server compares the digits as text, in lower case: with others nobody could log in.
    if (given.find_first_not_of("0123456789abcdef", 3) != std::string_view::npos) {
      return make_sql_error("22023", "The md5 password must be md5 and 32 lowercase hex digits.");
    }
    return std::string(given);
  }
  VESTO_TRY(check_clear(given));
  // Here and not in PostgreSQL, which would take the short form of a long name.
  return md5_password(given, user);
}

}  // namespace vesto::sandbox
