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

struct S3Access {
  std::string_view access_key_id;
  std::string_view action;  // "s3:PutObject"
  std::string_view bucket;
  std::string_view key = {};                        // "" for an action on the bucket
  std::map<std::string, std::string> context = {};  // condition keys: "s3:prefix"
};

class S3Gate {
 public:
  virtual ~S3Gate() = default;
  // Nothing: allowed. The right to use the bucket's KMS key is part of it.
  [[nodiscard]] virtual std::optional<S3Error> refuse(const S3Access& access) const = 0;
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
