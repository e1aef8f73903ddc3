// Whether a bucket's policy is for everybody, as S3 Block Public Access judges it.
// Source: S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of
// public". Pure; any thread.
#ifndef VESTO_SANDBOX_IAM_PUBLIC_POLICY_H_
#define VESTO_SANDBOX_IAM_PUBLIC_POLICY_H_

#include "sandbox/iam/policy.h"

namespace vesto::sandbox {

// A policy is taken for public until it is shown not to be: an Allow for everyone, or for everyone
// but some, is public unless one of its conditions holds it to fixed values of a key that says who
// or from where. A block of addresses is fixed from 8 bits on (IPv6: 32).
[[nodiscard]] bool is_public_policy(const IamPolicy& policy);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_PUBLIC_POLICY_H_
