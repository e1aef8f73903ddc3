// Vesto's S3 client on a wire, for tests that put servers in front of it which nobody here wrote.
//
// Reads one JSON object, the options, from its first line, and then one command a line:
//   {"endpoint": "http://localhost:5000", "region": "eu-west-1", "path_style": true,
//    "bucket": "b", "access_key_id": "..", "secret_access_key": "..", "session_token": "",
//    "tls_ca_file": "", "attempts": 3, "clock_offset_ms": 0}
//   {"do": "put", "key": "a/b", "size": 100, "seed": 1, "tamper": false}
//   {"do": "list", "prefix": "a/"}      all pages
//   {"do": "page", "prefix": "a/", "token": ""}
//   {"do": "remove", "key": "a/b"}      {"do": "remove_many", "keys": ["a", "b"]}
//   {"do": "head", "key": "a/b"}        {"do": "region"}
// and answers each with one line: {"ok": true, ...} or {"ok": false, "code": "S3-DENIED", ...}.
// Byte i of a body is (seed + i * 7 + i / 251) % 256. "tamper": the body is not the one whose hash
// was signed.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "aws/s3.h"
#include "base/clock.h"
#include "base/hash.h"

namespace vesto {
namespace {

using nlohmann::json;

class OffsetClock final : public Clock {
 public:
  explicit OffsetClock(int64_t offset_ms) : offset_ms_(offset_ms) {}
  int64_t wall_ms() override { return system_clock().wall_ms() + offset_ms_; }
  int64_t monotonic_ms() override { return system_clock().monotonic_ms(); }
  int64_t boottime_ms() override { return system_clock().boottime_ms(); }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    return system_clock().sleep_ms(duration_ms, stop);
  }

 private:
  const int64_t offset_ms_;
};

std::string body_of(size_t size, size_t seed) {
  std::string body(size, '\0');
  for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>((seed + i * 7 + i / 251) % 256);
  return body;
}

json failure(const Error& error) {
  return {{"ok", false},
          {"code", error.name()},
          {"message", error.message()},
          {"hint", error.hint()},
          {"upstream", error.upstream().code},
          {"request_id", error.upstream().request_id}};
}

json of_status(const Status& status) {
  return status.ok() ? json{{"ok", true}} : failure(status.error());
}

json of_page(const S3ListPage& page) {
  json objects = json::array();
  for (const S3Object& object : page.objects) {
    objects.push_back(
        {{"key", object.key}, {"size", object.size_bytes}, {"modified_ms", object.modified_ms}});
  }
  return {{"ok", true}, {"objects", objects}, {"token", page.next_token}};
}

json list_all(S3& s3, const std::string& prefix) {
  json out = {{"ok", true}, {"objects", json::array()}, {"pages", 0}};
  std::string token;
  for (int pages = 1; pages <= 1000; ++pages) {
    const auto page = s3.list(prefix, token, {});
    if (!page.ok()) return failure(page.error());
    const json objects = of_page(*page)["objects"];
    out["objects"].insert(out["objects"].end(), objects.begin(), objects.end());
    out["pages"] = pages;
    token = page->next_token;
    if (token.empty()) break;
  }
  return out;
}

json put(S3& s3, const json& command) {
  const std::string body =
      body_of(command.value("size", size_t{0}), command.value("seed", size_t{0}));
  const std::string signed_hash = sha256(command.value("tamper", false) ? body + "another" : body);
  const auto result = s3.put_hashed(command.at("key").get<std::string>(), body, signed_hash, {});
  if (!result.ok()) return failure(result.error());
  return {{"ok", true}, {"etag", result->etag}, {"versioned", result->versioned}};
}

json run(S3& s3, const json& command) {
  const std::string what = command.at("do");
  const std::string key = command.value("key", "");
  const std::string prefix = command.value("prefix", "");
  if (what == "put") return put(s3, command);
  if (what == "list") return list_all(s3, prefix);
  if (what == "page") {
    const auto page = s3.list(prefix, command.value("token", ""), {});
    return page.ok() ? of_page(*page) : failure(page.error());
  }
  if (what == "remove") return of_status(s3.remove(key, {}));
  if (what == "remove_many") {
    return of_status(s3.remove_many(command.at("keys").get<std::vector<std::string>>(), {}));
  }
  if (what == "head") {
    const auto size = s3.head(key, {});
    if (!size.ok()) return failure(size.error());
    return {{"ok", true}, {"size", size->has_value() ? json(**size) : json(nullptr)}};
  }
  if (what == "region") {
    const auto region = s3.region({});
    return region.ok() ? json{{"ok", true}, {"region", *region}} : failure(region.error());
  }
  return {{"ok", false}, {"code", "PROBE"}, {"message", "unknown command " + what}};
}

int probe() {
  std::string line;
  if (!std::getline(std::cin, line)) return 2;
  const json given = json::parse(line);
  OffsetClock clock(given.value("clock_offset_ms", int64_t{0}));
  S3Options options;
  options.endpoint = given.value("endpoint", "");
  options.tls_ca_file = given.value("tls_ca_file", "");
  options.region = given.value("region", "");
  options.path_style = given.value("path_style", false);
  options.bucket = given.value("bucket", "");
  options.attempts = given.value("attempts", 3);
  options.credentials.access_key_id = given.value("access_key_id", "");
  options.credentials.secret_access_key = Secret(given.value("secret_access_key", ""));
  options.credentials.session_token = Secret(given.value("session_token", ""));
  const auto s3 = make_s3_client(options, clock);
  while (std::getline(std::cin, line)) {
    std::cout << run(*s3, json::parse(line)).dump(-1, ' ', false, json::error_handler_t::replace)
              << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace vesto

int main() {
  try {
    return vesto::probe();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "s3_probe: %s\n", error.what());
    return 2;
  }
}
