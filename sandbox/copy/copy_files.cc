#include "sandbox/copy/copy_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "sandbox/copy/copy_error.h"

namespace vesto::sandbox {
namespace {

constexpr std::string_view kManifestPrefix = "Problem reading manifest file - ";

struct Location {
  std::string bucket;
  std::string key;
};

std::optional<Location> split_url(std::string_view url) {
  constexpr std::string_view kScheme = "s3://";
  if (url.substr(0, kScheme.size()) != kScheme) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const size_t slash = url.find('/');
  if (slash == 0 || url.empty()) return std::nullopt;
  if (slash == std::string_view::npos) return Location{std::string(url), ""};
  return Location{std::string(url.substr(0, slash)), std::string(url.substr(slash + 1))};
}

// The keys of the role that the statement names, in the place of its own.
SqlStatus take_role(CopyStatement* statement, const CopyContext& context) {
  if (statement->iam_role.empty()) return Unit{};
  const CopyErrorPlace place{.context = "IAM Role=" + statement->iam_role,
                             .location = "xen_aws_credentials_mgr.cpp:470"};
  const std::string user = context.user.empty() ? "unknown" : context.user;
  const std::string refused = fmt::format(
      "User arn:aws:redshift:{}:{}:dbuser:{}/{} is not authorized to assume IAM Role {}",
      context.region, context.account, context.warehouse, user, statement->iam_role);
  if (context.roles == nullptr) return copy_error(context, refused, place);
  auto keys = context.roles->assume(statement->iam_role);
  if (!keys.ok()) {
    return copy_error(context, keys.error().empty() ? refused : keys.error(), place);
  }
  statement->access_key_id = keys->id;
  statement->secret_access_key = keys->secret;
  statement->session_token = keys->session_token;
  return Unit{};
}

int64_t now_ms(const CopyContext& context) {
  return (context.clock == nullptr ? system_clock() : *context.clock).wall_ms();
}

std::optional<S3Error> check_expiry(const AccessKey& key, const CopyContext& context) {
  if (key.expires_ms == 0 || now_ms(context) < key.expires_ms) return std::nullopt;
  return S3Error{
      .status = 400, .code = "ExpiredToken", .message = "The provided token has expired."};
}

// The warehouse asks S3 itself, with the keys it was given: from its own address, not the client's.
S3Sender warehouse_sender(const CopyContext& context, const std::string& bucket) {
  return {.source_ip = kWarehouseAddress,
          .secure_transport = true,
          .user_agent = "Redshift",
          .region = context.store->bucket_region(bucket)};
}

// Asked before each object: keys can expire, and rights be taken, while a COPY runs.
std::optional<S3Error> refuse_access(const CopyContext& context, const std::string& key_id,
                                     std::string_view action, const std::string& bucket,
                                     const std::string& key, const std::string& prefix) {
  const auto found = context.keys == nullptr ? std::nullopt : context.keys->find(key_id);
  if (found) {
    if (auto expired = check_expiry(*found, context)) return expired;
  }
  if (context.gate == nullptr) return std::nullopt;
  S3Access access{.access_key_id = key_id,
                  .action = action,
                  .bucket = bucket,
                  .key = key,
                  .sender = warehouse_sender(context, bucket)};
  if (key.empty()) access.sender.parameters["prefix"] = prefix;
  return context.gate->refuse(access);
}

// With the right to read it, and to use the key that it is encrypted with.
S3Result<std::unique_ptr<ObjectReader>> open_object(const CopyContext& context,
                                                    const CopyFile& file) {
  auto reader = context.store->open(file.bucket, file.key);
  if (auto refused =
          refuse_access(context, file.access_key_id, "s3:GetObject", file.bucket, file.key, "")) {
    return *std::move(refused);
  }
  if (!reader.ok() || context.gate == nullptr) return reader;
  const auto& headers = (*reader)->info().headers;
  const auto key = headers.find(kKmsKeyHeader);
  if (key == headers.end()) return reader;
  const auto used = context.gate->use_kms_key(file.access_key_id, "kms:Decrypt", key->second,
                                              context.store->bucket_region(file.bucket));
  if (!used.ok()) return used.error();
  return reader;
}

// Which error S3 would give to these keys; nothing when they are right.
std::optional<S3Error> check_keys(const CopyStatement& statement, const CopyContext& context) {
  const auto key =
      context.keys == nullptr ? std::nullopt : context.keys->find(statement.access_key_id);
  // Temporary keys without their token look unknown to S3.
  if (!key || (!key->session_token.empty() && statement.session_token.empty())) {
    return S3Error{.status = 403,
                   .code = "InvalidAccessKeyId",
                   .message = "The AWS Access Key Id you provided does not exist in our records."};
  }
  if (key->session_token != statement.session_token) {
    return S3Error{.status = 400,
                   .code = "InvalidToken",
                   .message = "The provided token is malformed or otherwise invalid."};
  }
  if (key->secret != statement.secret_access_key) {
    return S3Error{.status = 403,
                   .code = "SignatureDoesNotMatch",
                   .message =
                       "The request signature we calculated does not match the signature "
                       "you provided. Check your key and signing method."};
  }
  return check_expiry(*key, context);
}

std::optional<S3Error> check_bucket(const CopyStatement& statement, const CopyContext& context,
                                    const std::string& bucket) {
  // S3 answers for the region that it is asked in: REGION's, or the warehouse's own.
  const std::string region = context.store->bucket_region(bucket);
  if (statement.region.value_or(context.region) != (region.empty() ? context.region : region)) {
    return S3Error{.status = 301,
                   .code = "PermanentRedirect",
                   .message =
                       "The bucket you are attempting to access must be addressed using the "
                       "specified endpoint. Please send all future requests to this "
                       "endpoint."};
  }
  if (context.store->bucket_exists(bucket)) return std::nullopt;
  return S3Error{
      .status = 404, .code = "NoSuchBucket", .message = "The specified bucket does not exist"};
}

SqlError manifest_format_error(const CopyStatement& statement, const CopyContext& context) {
  return copy_error(
      context, "Manifest file is not in correct json format",
      {.context = "Manifest file location=" + statement.from, .location = "s3_utility.cpp:301"});
}

SqlError mandatory_error(const CopyStatement& statement, const CopyContext& context,
                         const std::string& url) {
  return copy_error(
      context, "Mandatory url is not present in manifest file.",
      {.context = fmt::format("Manifest file location={} url={}", statement.from, url),
       .location = "s3_utility.cpp:328"});
}

SqlError prefix_error(const CopyContext& context, const std::string& prefix) {
  return copy_error(context, fmt::format("The specified S3 prefix '{}' does not exist", prefix),
                    {.location = "s3_utility.cpp:568"});
}

// One entry of the manifest. False: it has not the documented form.
bool read_entry(const nlohmann::json& entry, CopyFile* file) {
  if (!entry.is_object()) return false;
  const auto url = entry.find("url");
  if (url == entry.end() || !url->is_string()) return false;
  const auto location = split_url(url->get_ref<const std::string&>());
  if (!location || location->key.empty()) return false;
  file->bucket = location->bucket;
  file->key = location->key;
  file->from_manifest = true;
  if (const auto mandatory = entry.find("mandatory"); mandatory != entry.end()) {
    if (!mandatory->is_boolean()) return false;
    file->mandatory = mandatory->get<bool>();
  }
  const auto meta = entry.find("meta");
  if (meta == entry.end()) return true;
  if (!meta->is_object()) return false;
  const auto length = meta->find("content_length");
  if (length == meta->end()) return true;
  if (!length->is_number_unsigned()) return false;
  file->content_length = length->get<uint64_t>();
  return true;
}

// Nothing: not a manifest.
std::optional<std::vector<CopyFile>> parse_manifest(const std::string& text) {
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto entries = document.find("entries");
  if (entries == document.end() || !entries->is_array() || entries->size() > kMaxCopyFiles) {
    return std::nullopt;
  }
  std::vector<CopyFile> files;
  files.reserve(entries->size());
  for (const nlohmann::json& entry : *entries) {
    CopyFile file;
    if (!read_entry(entry, &file)) return std::nullopt;
    files.push_back(std::move(file));
  }
  return files;
}

SqlResult<std::string> read_whole(OpenedFile opened, const CopyStatement& statement,
                                  const CopyContext& context) {
  std::string text;
  std::string chunk(64 * 1024, '\0');
  while (text.size() < opened.limit_bytes) {
    auto got = opened.reader->read(chunk.data(), chunk.size());
    if (!got.ok()) {
      return s3_service_error(
          context, got.error(),
          {.context = "S3 key being read : " + statement.from, .location = "s3_utility.cpp:284"},
          kManifestPrefix);
    }
    if (got.value() == 0) break;
    text.append(chunk, 0, got.value());
    if (text.size() > kMaxManifestBytes) return manifest_format_error(statement, context);
  }
  text.resize(static_cast<size_t>(std::min<uint64_t>(text.size(), opened.limit_bytes)));
  return text;
}

// The mandatory objects exist, and at least one object does.
SqlResult<std::vector<CopyFile>> keep_existing(std::vector<CopyFile> files,
                                               const CopyStatement& statement,
                                               const CopyContext& context) {
  std::vector<CopyFile> existing;
  const std::string first_key = files.empty() ? "" : files.front().key;
  for (CopyFile& file : files) {
    auto reader = open_object(context, file);
    if (!reader.ok()) {
      if (reader.error().status != 404) {
        return s3_service_error(
            context, reader.error(),
            {.context = "S3 key being read : " + file.url(), .location = "s3_utility.cpp:636"});
      }
      if (file.mandatory) return mandatory_error(statement, context, file.url());
      continue;
    }
    const uint64_t size = reader.value()->info().size_bytes;
    if (context.readings.check_content_length && file.content_length &&
        *file.content_length != size) {
      return copy_error(context,
                        "Error: HTTP response error code: 416 Message: InvalidRange The requested "
                        "range is not satisfiable",
                        {.code = 15001,
                         .context = "S3 key being read : " + file.url(),
                         .location = "dory_util.cpp:1001"});
    }
    existing.push_back(std::move(file));
  }
  if (existing.empty()) return prefix_error(context, first_key);
  return existing;
}

SqlResult<std::vector<CopyFile>> read_manifest(const CopyStatement& statement,
                                               const CopyContext& context,
                                               const Location& location) {
  const CopyFile manifest{
      .bucket = location.bucket, .key = location.key, .access_key_id = statement.access_key_id};
  VESTO_ASSIGN(OpenedFile opened, open_copy_file(statement, context, manifest));
  VESTO_ASSIGN(const std::string text, read_whole(std::move(opened), statement, context));
  auto files = parse_manifest(text);
  if (!files) return manifest_format_error(statement, context);
  for (CopyFile& file : *files) file.access_key_id = statement.access_key_id;
  return keep_existing(*std::move(files), statement, context);
}

SqlResult<std::vector<CopyFile>> list_prefix(const CopyStatement& statement,
                                             const CopyContext& context, const Location& location) {
  std::vector<CopyFile> files;
  std::string after;
  if (auto refused = refuse_access(context, statement.access_key_id, "s3:ListBucket",
                                   location.bucket, "", location.key)) {
    return s3_service_error(
        context, *refused,
        {.context = fmt::format("Listing bucket={} prefix={}", location.bucket, location.key),
         .location = "s3_utility.cpp:636"});
  }
  // Ends with the last page or at the bound.
  while (files.size() < kMaxCopyFiles) {
    auto page = context.store->list(location.bucket, location.key, "", after, 1000);
    if (!page.ok()) {
      return s3_service_error(
          context, page.error(),
          {.context = fmt::format("Listing bucket={} prefix={}", location.bucket, location.key),
           .location = "s3_utility.cpp:636"});
    }
    for (const ObjectInfo& object : page.value().objects) {
      after = object.key;
      // Consoles make empty objects to show a folder.
      const bool folder = object.size_bytes == 0 && !object.key.empty() && object.key.back() == '/';
      if (!folder) {
        files.push_back(CopyFile{.bucket = location.bucket,
                                 .key = object.key,
                                 .access_key_id = statement.access_key_id});
      }
    }
    if (!page.value().truncated || page.value().objects.empty()) break;
  }
  if (files.empty()) return prefix_error(context, location.key);
  return files;
}

}  // namespace

SqlResult<std::vector<CopyFile>> find_copy_files(const CopyStatement& given,
                                                 const CopyContext& context) {
  CopyStatement statement = given;
  VESTO_TRY(take_role(&statement, context));
  if (statement.access_key_id.empty() || statement.secret_access_key.empty()) {
    return SqlError{.sqlstate = "XX000",
                    .message =
                        "Invalid credentials. Must be of the format: credentials "
                        "'aws_iam_role=...' or 'aws_access_key_id=...;"
                        "aws_secret_access_key=...[;token=...]'"};
  }
  const auto location = split_url(statement.from);
  if (!location) {
    return SqlError{
        .sqlstate = "0A000",
        .message = fmt::format("COPY source '{}' is not supported: only s3:// is", statement.from)};
  }
  auto refused = check_keys(statement, context);
  if (!refused) refused = check_bucket(statement, context, location->bucket);
  if (refused) {
    return s3_service_error(
        context, *refused,
        {.context = fmt::format("Listing bucket={} prefix={}", location->bucket, location->key),
         .location = "s3_utility.cpp:636"},
        statement.manifest ? kManifestPrefix : "");
  }
  return statement.manifest ? read_manifest(statement, context, *location)
                            : list_prefix(statement, context, *location);
}

SqlResult<OpenedFile> open_copy_file(const CopyStatement& statement, const CopyContext& context,
                                     const CopyFile& file) {
  std::optional<FaultAction> fault;
  if (context.faults != nullptr) fault = context.faults->hit("copy.object", file.key);
  if (fault && fault->delay_ms > 0 && !system_clock().sleep_ms(fault->delay_ms, context.stop)) {
    return copy_cancelled_error(context);
  }
  if (fault && !fault->error.empty()) {
    return SqlError{.sqlstate = "XX000", .message = fault->error};
  }
  S3Result<std::unique_ptr<ObjectReader>> reader =
      S3Error{.status = 404, .code = "NoSuchKey", .message = "The specified key does not exist."};
  if (fault && fault->status >= 400) {
    reader = S3Error{.status = fault->status, .code = fault->code, .message = fault->code};
  } else if (!fault || !fault->missing) {
    reader = open_object(context, file);
  }
  if (!reader.ok()) {
    const bool is_manifest = statement.manifest && !file.from_manifest;
    if (file.from_manifest && reader.error().status == 404) {
      if (file.mandatory) return mandatory_error(statement, context, file.url());
      return OpenedFile{};
    }
    return s3_service_error(context, reader.error(),
                            {.context = "S3 key being read : " + file.url(),
                             .location = "table_s3_scanner.cpp:352",
                             .process = is_manifest ? "padbmaster" : "query0_60"},
                            is_manifest ? kManifestPrefix : "");
  }
  OpenedFile opened{.reader = std::move(reader).value()};
  if (fault && fault->half) opened.limit_bytes = opened.reader->info().size_bytes / 2;
  return opened;
}

}  // namespace vesto::sandbox
