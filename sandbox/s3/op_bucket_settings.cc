// Public access block, object ownership, lifecycle rules and versioning of a bucket: put, get,
// delete.
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

const BucketSetting* S3Service::setting_of(const S3Call& call) {
  for (const BucketSetting& one : bucket_settings()) {
    if (call.has(one.name)) return &one;
  }
  return nullptr;
}

S3Result<S3Service::Route> S3Service::route_setting(const S3Call& call,
                                                    const BucketSetting& setting) {
  const std::string& method = call.request.method;
  if (method == "PUT") return Route{&S3Service::put_setting, nullptr, setting.put_action};
  if (method == "GET") return Route{&S3Service::get_setting, nullptr, setting.get_action};
  if (method == "DELETE" && setting.absent_code != nullptr) {
    return Route{&S3Service::delete_setting, nullptr, setting.put_action};
  }
  return S3Error{405,
                 "MethodNotAllowed",
                 "The specified method is not allowed against this resource.",
                 {{"Method", method}, {"ResourceType", "BUCKET"}}};
}

S3Result<Unit> S3Service::put_setting(S3Call& call) {
  constexpr size_t kMaxBytes = kMaxSettingBytes;
  VESTO_ASSIGN(auto reader, payload(call, kMaxBytes));
  if (!reader->has_integrity_header()) {
    return invalid_request("Missing required header for this request: Content-MD5");
  }
  VESTO_ASSIGN(const std::string body, reader->read_all(kMaxBytes));
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  const BucketSetting& setting = *setting_of(call);
  VESTO_ASSIGN(const std::string document, setting.read(body));
  VESTO_TRY(store_.set_bucket_setting(call.bucket, std::string(setting.name), document));
  return answer(call, 200, {}, "");
}

S3Result<Unit> S3Service::get_setting(S3Call& call) {
  const auto bucket = store_.bucket(call.bucket);
  if (!bucket) return no_such_bucket(call.bucket);
  const BucketSetting& setting = *setting_of(call);
  const auto found = bucket->settings.find(std::string(setting.name));
  if (found == bucket->settings.end() && setting.absent_code == nullptr) {
    return answer(call, 200, {{"Content-Type", "application/xml"}}, setting.absent_text);
  }
  if (found == bucket->settings.end()) {
    return S3Error{404, setting.absent_code, setting.absent_text, {{"BucketName", call.bucket}}};
  }
  return answer(call, 200, {{"Content-Type", "application/xml"}}, found->second);
}

S3Result<Unit> S3Service::delete_setting(S3Call& call) {
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  VESTO_TRY(store_.set_bucket_setting(call.bucket, std::string(setting_of(call)->name), ""));
  return answer(call, 204, {}, "");
}

}  // namespace vesto::sandbox
