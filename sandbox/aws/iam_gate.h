// IAM as S3 and COPY see it: the keys it knows, and what their owners may do with objects.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_IAM_GATE_H_
#define VESTO_SANDBOX_AWS_IAM_GATE_H_

#include <string>
#include <utility>

#include "sandbox/copy/copy_executor.h"
#include "sandbox/iam/condition_keys.h"
#include "sandbox/iam/iam.h"
#include "sandbox/iam/served_warehouse.h"
#include "sandbox/s3/object_store.h"
#include "sandbox/s3/s3_gate.h"

namespace vesto::sandbox {

// Of a call that a service of AWS makes itself.
RequestContext service_context(const std::string& region);

class IamKeyRing final : public KeyRing {
 public:
  explicit IamKeyRing(const Iam& iam) : iam_(iam) {}
  [[nodiscard]] std::optional<AccessKey> find(std::string_view id) const override;

 private:
  const Iam& iam_;
};

class IamGate final : public S3Gate {
 public:
  explicit IamGate(Iam& iam) : iam_(iam) {}
  [[nodiscard]] std::optional<S3Error> refuse(const S3Access& access) const override;
  [[nodiscard]] S3Result<std::string> use_kms_key(std::string_view access_key_id,
                                                  std::string_view action, std::string_view key,
                                                  std::string_view region) const override;
  [[nodiscard]] std::string account_of(std::string_view access_key_id) const override;
  [[nodiscard]] std::string owner_of(std::string_view bucket) const override;
  void bucket_made(const std::string& name, const std::string& account,
                   const std::string& region) const override;
  void bucket_removed(const std::string& name) const override;
  [[nodiscard]] std::optional<std::string> policy_of(std::string_view bucket) const override;
  [[nodiscard]] std::optional<bool> policy_is_public(std::string_view bucket) const override;
  [[nodiscard]] S3Result<Unit> put_policy(std::string_view bucket, std::string_view json,
                                          bool block_public) const override;
  [[nodiscard]] S3Result<Unit> delete_policy(std::string_view bucket) const override;

 private:
  [[nodiscard]] std::optional<S3Error> refuse_kms(const S3Access& access) const;
  Iam& iam_;
};

// The roles attached to the one warehouse that the sandbox is, for COPY ... IAM_ROLE.
class IamCopyRoles final : public CopyRoles {
 public:
  // Both must outlive it.
  IamCopyRoles(Iam& iam, const ServedWarehouse& served) : iam_(iam), served_(served) {}
  // Several ARNs joined by commas are a chain: each is assumed by the one before.
  Result<AccessKey, std::string> assume(const std::string& role_arn) const override;

 private:
  Iam& iam_;
  const ServedWarehouse& served_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_IAM_GATE_H_
