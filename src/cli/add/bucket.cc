#include "cli/add/bucket.h"

#include <fmt/format.h>

#include <vector>

#include "address/arn.h"
#include "address/aws_partition.h"
#include "base/strings.h"
#include "config/values.h"

namespace vesto::cli {

namespace {

constexpr size_t kMaxPrefixBytes = 512;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "a%2Fb" -> "a/b"
std::string from_percent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                       hex_digit(text[i + 2]) >= 0;
    if (coded) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string query_value(std::string_view query, std::string_view name) {
  for (const std::string& pair : split(query, '&')) {
    const size_t equals = pair.find('=');
    if (equals != std::string::npos && std::string_view(pair).substr(0, equals) == name) {
      return from_percent(std::string_view(pair).substr(equals + 1));
    }
  }
  return "";
}

struct Address {
  std::string host;
  std::string path;  // without its first "/"
  std::string query;
};

Address split_address(std::string_view text) {
  Address out;
  text = text.substr(0, text.find('#'));
  const size_t question = text.find('?');
  if (question != std::string_view::npos) out.query = text.substr(question + 1);
  text = text.substr(0, question);
  const size_t slash = text.find('/');
  out.host = to_lower_ascii(text.substr(0, slash));
  if (slash != std::string_view::npos) out.path = from_percent(text.substr(slash + 1));
  return out;
}

void name_and_prefix(std::string_view text, PastedBucket* out) {
  const size_t slash = text.find('/');
  out->bucket = text.substr(0, slash);
  if (slash != std::string_view::npos) out->prefix = text.substr(slash + 1);
}

// https://s3.console.aws.amazon.com/s3/buckets/NAME?region=R&prefix=P
bool from_console(const Address& address, PastedBucket* out) {
  const size_t at = address.path.find("s3/buckets/");
  if (address.host.find("console.") == std::string::npos || at == std::string::npos) return false;
  name_and_prefix(std::string_view(address.path).substr(at + 11), out);
  out->prefix = query_value(address.query, "prefix");
  out->region = query_value(address.query, "region");
  return true;
}

// https://NAME.s3.REGION.amazonaws.com/PREFIX, https://s3.REGION.amazonaws.com/NAME/PREFIX
bool from_endpoint(const Address& address, PastedBucket* out) {
  if (!is_aws_host(address.host)) return false;
  std::vector<std::string> labels = split(address.host, '.');
  size_t s3 = 0;
  while (s3 < labels.size() && labels[s3] != "s3") ++s3;
  if (s3 == labels.size()) return false;
  if (s3 + 1 < labels.size() && is_region_name(labels[s3 + 1])) out->region = labels[s3 + 1];
  if (s3 == 0) {
    name_and_prefix(address.path, out);
  } else {
    labels.resize(s3);
    out->bucket = join(labels, ".");
    out->prefix = address.path;
  }
  return true;
}

Error wrong(std::string what, std::string hint) {
  return Error(ErrorCode::kCfgValue, std::move(what)).with_hint(std::move(hint));
}

}  // namespace

Result<std::string> parse_prefix(std::string_view text) {
  std::string out(trim(text));
  while (out.starts_with('/')) out.erase(0, 1);
  if (out.empty() || out.find("//") != std::string::npos) {
    return wrong("the prefix is empty or holds //", "Write it like vesto/.");
  }
  if (!out.ends_with('/')) out += '/';
  if (out.size() > kMaxPrefixBytes) {
    return wrong("the prefix is longer than 512 bytes", "Write it like vesto/.");
  }
  return out;
}

Result<PastedBucket> parse_bucket(std::string_view text) {
  text = trim(text);
  PastedBucket out;
  const std::string lower = to_lower_ascii(text.substr(0, 8));
  if (lower.starts_with("s3://")) {
    name_and_prefix(text.substr(5), &out);
  } else if (lower.starts_with("https://") || lower.starts_with("http://")) {
    const Address address = split_address(text.substr(text.find("://") + 3));
    if (!from_console(address, &out) && !from_endpoint(address, &out)) {
      return wrong("this is no address of a bucket", "Give its name, or s3://BUCKET/PREFIX.");
    }
  } else if (const auto arn = parse_arn(text); arn && arn->service == "s3") {
    name_and_prefix(arn->resource, &out);
    if (out.prefix == "*") out.prefix.clear();
  } else {
    name_and_prefix(text, &out);
  }
  if (!good_bucket_name(out.bucket)) {
    return wrong(
        fmt::format("\"{}\" is no bucket name", printable(cut_utf8(out.bucket, 100), false)),
        "Bucket names have 3 to 63 lower-case letters, digits, - and dots.");
  }
  if (!out.region.empty() && !is_region_name(out.region)) out.region.clear();
  if (!out.prefix.empty()) {
    VESTO_ASSIGN(out.prefix, parse_prefix(out.prefix));
  }
  return out;
}

}  // namespace vesto::cli
