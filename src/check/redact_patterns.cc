#include "check/redact_patterns.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <set>
#include <string>

#include "base/error.h"
#include "base/error_causes.h"
#include "base/strings.h"

namespace vesto::check {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

template <typename Test>
size_t run(std::string_view text, size_t at, Test test) {
  size_t end = at;
  while (end < text.size() && test(text[end])) ++end;
  return end - at;
}

bool begins_word(std::string_view text, size_t at) {
  return at == 0 || !is_word_byte(text[at - 1]);
}
bool ends_word(std::string_view text, size_t end) {
  return end >= text.size() || !is_word_byte(text[end]);
}

// Up to a blank, a quote or a bracket; without the stops of a sentence.
size_t long_run(std::string_view text, size_t at) {
  size_t size = run(text, at, [](char c) {
    return static_cast<unsigned char>(c) > ' ' &&
           std::string_view("\"'`,;()[]<>").find(c) == std::string_view::npos;
  });
  while (size > 0 && (text[at + size - 1] == '.' || text[at + size - 1] == ':' ||
                      text[at + size - 1] == '\\')) {
    --size;
  }
  return size;
}

size_t starts(std::string_view text, size_t at, std::string_view with) {
  return text.substr(at).starts_with(with) ? with.size() : 0;
}

size_t arn(std::string_view text, size_t at) {
  return starts(text, at, "arn:aws") > 0 ? long_run(text, at) : 0;
}

size_t s3_url(std::string_view text, size_t at) {
  return starts(text, at, "s3://") > 0 ? long_run(text, at) : 0;
}

size_t email(std::string_view text, size_t at) {
  const auto local = [](char c) { return is_word_byte(c) || c == '.' || c == '+' || c == '-'; };
  const size_t name = run(text, at, local);
  if (name == 0 || at + name >= text.size() || text[at + name] != '@') return 0;
  const size_t from = at + name + 1;
  size_t host = run(text, from, [](char c) { return is_alnum(c) || c == '.' || c == '-'; });
  while (host > 0 && !is_alnum(text[from + host - 1])) --host;
  const std::string_view domain = text.substr(from, host);
  return domain.find('.') == std::string_view::npos ? 0 : name + 1 + host;
}

// A database user as AWS names it for a temporary login.
size_t iam_user(std::string_view text, size_t at) {
  for (const char* head : {"IAM:", "IAMA:", "IAMR:"}) {
    const size_t begun = starts(text, at, head);
    if (begun == 0 || !begins_word(text, at) || at + begun >= text.size()) continue;
    return is_word_byte(text[at + begun]) ? long_run(text, at) : 0;
  }
  return 0;
}

size_t ipv4(std::string_view text, size_t at) {
  if (at > 0 && text[at - 1] == '.') return 0;
  size_t size = run(text, at, [](char c) { return is_digit(c) || c == '.'; });
  while (size > 0 && text[at + size - 1] == '.') --size;
  in_addr address{};
  if (size < 7 || size > 15 || !ends_word(text, at + size)) return 0;
  return inet_pton(AF_INET, std::string(text.substr(at, size)).c_str(), &address) == 1 ? size : 0;
}

size_t ipv6(std::string_view text, size_t at) {
  if (at > 0 && (text[at - 1] == ':' || text[at - 1] == '.')) return 0;
  size_t size = run(text, at, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
  while (size > 2 && (text[at + size - 1] == '.' ||
                      (text[at + size - 1] == ':' && text[at + size - 2] != ':'))) {
    --size;
  }
  in6_addr address{};
  if (size < 3 || size > 45 || !ends_word(text, at + size)) return 0;
  return inet_pton(AF_INET6, std::string(text.substr(at, size)).c_str(), &address) == 1 ? size : 0;
}

size_t account(std::string_view text, size_t at) {
  const size_t size = run(text, at, is_digit);
  return size == 12 && ends_word(text, at + size) ? size : 0;
}

// Subjects of Google identities, system identifiers of servers.
size_t long_number(std::string_view text, size_t at) {
  const size_t size = run(text, at, is_digit);
  return size >= 15 && ends_word(text, at + size) ? size : 0;
}

size_t key_id(std::string_view text, size_t at) {
  for (const char* head :
       {"AKIA", "ASIA", "AROA", "AIDA", "AIPA", "ANPA", "AGPA", "ABIA", "ACCA"}) {
    if (starts(text, at, head) == 0) continue;
    const size_t size = run(text, at, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
    if (size >= 12 && size <= 128) return size;
  }
  return 0;
}

// Security groups and what else of a network AWS gives a number.
size_t resource(std::string_view text, size_t at) {
  for (const char* head :
       {"sg-", "vpc-", "subnet-", "vpce-", "eni-", "sgr-", "rtb-", "igw-", "i-"}) {
    const size_t begun = starts(text, at, head);
    if (begun == 0) continue;
    const size_t size = run(text, at + begun, is_hex);
    if (size >= 8 && size <= 17 && ends_word(text, at + begun + size)) return begun + size;
  }
  return 0;
}

size_t uuid(std::string_view text, size_t at) {
  constexpr size_t kSize = 36;
  if (at + kSize > text.size() || !ends_word(text, at + kSize)) return 0;
  for (size_t i = 0; i < kSize; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[at + i] != '-' : !is_hex(text[at + i])) return 0;
  }
  return kSize;
}

// AWS's own front doors and the pages that texts point to: nobody's names.
bool is_public_host(std::string_view host) {
  for (const char* known : {"accounts.google.com", "docs.aws.amazon.com", "www.googleapis.com",
                            "oauth2.googleapis.com", "metadata.google.internal", "amazon.com",
                            "aws.amazon.com", "console.aws.amazon.com", "checkip.amazonaws.com"}) {
    if (host == known) return true;
  }
  if (host.find(".amazonaws.com") == std::string_view::npos) return false;
  for (const char* service : {"sts.", "s3.", "iam.", "redshift.", "redshift-serverless.", "kms.",
                              "ec2.", "elasticloadbalancing."}) {
    const std::string_view rest = host.starts_with(service)
                                      ? host.substr(std::string_view(service).size())
                                      : std::string_view();
    // "sts.s3.eu-west-1...": there it is the name of a bucket.
    if (!rest.empty() && !rest.starts_with("s3") &&
        std::count(rest.begin(), rest.end(), '.') <= 3) {
      return true;
    }
  }
  return false;
}

size_t host(std::string_view text, size_t at) {
  if (!is_alnum(text[at]) || (at > 0 && text[at - 1] == '-')) return 0;
  // "*." is the head of a certificate's name.
  if (at > 0 && text[at - 1] == '.' && (at == 1 || text[at - 2] != '*')) return 0;
  const auto part = [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; };
  size_t size = run(text, at, part);
  while (size > 0 && !is_alnum(text[at + size - 1])) --size;
  const std::string name = to_lower_ascii(text.substr(at, size));
  const size_t dot = name.rfind('.');
  if (size > 253 || dot == std::string::npos || dot == 0) return 0;
  static const std::set<std::string, std::less<>> kLast = {
      "com", "net",  "org",     "io",   "internal", "local", "example", "test", "de",     "eu",
      "uk",  "us",   "cloud",   "dev",  "lan",      "corp",  "fr",      "nl",   "home",   "app",
      "cn",  "info", "invalid", "arpa", "intra",    "se",    "ch",      "biz",  "private"};
  if (kLast.count(name.substr(dot + 1)) == 0 || is_public_host(name)) return 0;
  return size;
}

// A file by its whole path; not the system's own places.
size_t path(std::string_view text, size_t at) {
  if (text[at] != '/' ||
      (at > 0 && std::string_view(" \t\n\"'`(=").find(text[at - 1]) == std::string_view::npos)) {
    return 0;
  }
  for (const char* own : {"/dev/", "/proc/", "/etc/ssl/", "/usr/bin/"}) {
    if (starts(text, at, own) > 0) return 0;
  }
  size_t size = run(text, at, [](char c) {
    return is_word_byte(c) || std::string_view("/.-+@%~").find(c) != std::string_view::npos;
  });
  while (size > 0 && text[at + size - 1] == '.') --size;
  const std::string_view found = text.substr(at, size);
  return std::count(found.begin(), found.end(), '/') >= 2 ? size : 0;
}

struct Pattern {
  std::string_view kind;
  size_t (*match)(std::string_view text, size_t at);
};
constexpr Pattern kPatterns[] = {{"arn", arn},           {"url", s3_url},     {"email", email},
                                 {"user", iam_user},     {"address", ipv4},   {"address", ipv6},
                                 {"account", account},   {"id", long_number}, {"key-id", key_id},
                                 {"resource", resource}, {"id", uuid},        {"host", host},
                                 {"path", path}};

// What messages and SQL say that the catalogue does not.
constexpr std::string_view kMoreWords =
    "a an all also am and any are as at be because been before being below both but by can cannot "
    "could data default did do does done each else error every exist exists file files first for "
    "from had has have here how if in into is it its key kind last least left less line made may "
    "merge message missing mode more most must name named names need needs new no none not nothing "
    "now number of off old on once one only open or other others our out over own part password "
    "permission public query read reason right row rows run runs same schema schemas second see "
    "server set shop so some statement still such system table tables test text than that the "
    "their "
    "them then there these they this those time to too took two type under until up use used user "
    "users value values version view wait was way were what when where which while who whose will "
    "with work works would write yet you your access admin api app authentication base bucket "
    "bytes cluster column columns connection create database denied destination drop expected "
    "failed found grant group host identity index insert invalid left login match more operation "
    "owner policy prefix region relation request role roles select sequence service source status "
    "sync syncs temp temporary trust update vesto warehouse workgroup redshift postgres s3 aws "
    "google seconds second minutes minute ms days append upsert replace main dev";

const std::string& our_texts() {
  static const std::string kTexts = [] {
    std::string all(kMoreWords);
    for (const CatalogEntry& entry : error_catalog()) {
      for (const std::string_view text : {entry.name, entry.title, entry.hint, entry.causes}) {
        all += '\n';
        all += text;
      }
    }
    for (const ErrorCause& cause : error_causes()) {
      for (const std::string_view text : {cause.cause, cause.hint}) {
        all += '\n';
        all += text;
      }
    }
    return all;
  }();
  return kTexts;
}

}  // namespace

bool is_word_byte(char c) {
  return is_alnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

PatternMatch match_pattern(std::string_view text, size_t at) {
  PatternMatch best;
  if (at >= text.size() || !begins_word(text, at)) return best;
  for (const Pattern& pattern : kPatterns) {
    const size_t size = pattern.match(text, at);
    if (size > best.size) best = {.size = size, .kind = pattern.kind};
  }
  return best;
}

bool is_common_word(std::string_view word) {
  static const std::set<std::string, std::less<>> kWords = [] {
    std::set<std::string, std::less<>> words;
    const std::string& text = our_texts();
    for (size_t at = 0; at < text.size(); ++at) {
      const size_t size = run(text, at, is_word_byte);
      if (size > 0) words.insert(text.substr(at, size));
      at += size;
    }
    return words;
  }();
  return kWords.find(word) != kWords.end();
}

bool is_in_our_texts(std::string_view text) {
  static const std::string kLower = to_lower_ascii(our_texts());
  return kLower.find(to_lower_ascii(text)) != std::string::npos;
}

}  // namespace vesto::check
