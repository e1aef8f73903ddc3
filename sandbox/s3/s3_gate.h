// Who may do what with buckets and objects. Asked once a request's signature is good, and by COPY.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_S3_S3_GATE_H_
#define VESTO_SANDBOX_S3_S3_GATE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/s3/object_store.h"

namespace vesto::sandbox {

// Addresses of AWS's own, as policies see them: the warehouse reads what COPY loads, S3 asks KMS.
constexpr const char* kWarehouseAddress = "198.51.100.10";
constexpr const char* kServiceAddress = "198.51.100.20";

// How a request came to S3, as far as policies may ask.
struct S3Sender {
  std::string source_ip = {};
  bool secure_transport = false;
  std::string user_agent = {};  // "": none
  std::string region = {};      // that the request was signed for
  bool presigned = false;
  std::map<std::string, std::string> parameters = {};  // of the query: "prefix"
  std::map<std::string, std::string> headers = {};     // names in lower case
};

struct S3Access {
  std::string_view access_key_id;  // "": a request without a signature
  std::string_view action;         // "s3:PutObject"
  std::string_view bucket;
  std::string_view key = {};  // "" for an action on the bucket
  S3Sender sender = {};
};

class S3Gate {
 public:
  virtual ~S3Gate() = default;
  // Nothing: allowed. The right to use the bucket's KMS key is part of it.
  [[nodiscard]] virtual std::optional<S3Error> refuse(const S3Access& access) const = 0;
  // The account of a key, and of a bucket; "": not known.
  [[nodiscard]] virtual std::string account_of(std::string_view) const { return ""; }
  [[nodiscard]] virtual std::string owner_of(std::string_view) const { return ""; }
  // A bucket was made or removed.
  virtual void bucket_made(const std::string&, const std::string&, const std::string&) const {}
  virtual void bucket_removed(const std::string&) const {}
  // A bucket's own policy as it was put; nothing: it has none. These four are for buckets that are
  // there.
  [[nodiscard]] virtual std::optional<std::string> policy_of(std::string_view) const {
    return std::nullopt;
  }
  // Whether it is public as AWS defines it; nothing: it has none.
  [[nodiscard]] virtual std::optional<bool> policy_is_public(std::string_view) const {
    return std::nullopt;
  }
  // Refused: MalformedPolicy; a policy for everybody where `block_public` (BlockPublicPolicy).
  [[nodiscard]] virtual S3Result<Unit> put_policy(std::string_view bucket, std::string_view json,
                                                  bool block_public) const = 0;
  [[nodiscard]] virtual S3Result<Unit> delete_policy(std::string_view bucket) const = 0;
  // The ARN of a KMS key ("": KMS's own key of S3, which takes everybody), if its user may do
  // `action` ("kms:GenerateDataKey", "kms:Decrypt") with it. `key`: an ARN, or an id of the
  // caller's account in `region`.
  [[nodiscard]] virtual S3Result<std::string> use_kms_key(std::string_view access_key_id,
                                                          std::string_view action,
                                                          std::string_view key,
                                                          std::string_view region) const = 0;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_S3_GATE_H_
