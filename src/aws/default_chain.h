// AWS's default chain of credentials, in botocore's order: environment; profile with role_arn
// (source_profile, credential_source, external_id, role_session_name, duration_seconds);
// web identity (AWS_WEB_IDENTITY_TOKEN_FILE or the profile's keys); shared credentials file;
// credential_process; config file; container (ECS, EKS Pod Identity); EC2 IMDSv2.
// Sources: botocore's documented behaviour; AWS SDKs and tools reference guide.
//
// The first provider that is configured is used; where it fails, its error is the answer (no other
// one is tried in its place). None configured: AWS-NO-CREDENTIALS, naming what was looked for.
// Thread rule: one thread at a time; make_cached makes it good for any.
#ifndef VESTO_AWS_DEFAULT_CHAIN_H_
#define VESTO_AWS_DEFAULT_CHAIN_H_

#include <functional>
#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/sts.h"
#include "net/http.h"

namespace vesto {

struct DefaultChainOptions {
  Environment environment;
  std::string profile = {};  // "" = AWS_PROFILE, else "default"
  std::string region = {};   // for STS; "" = AWS_REGION, AWS_DEFAULT_REGION, the profile's
  std::string sts_endpoint = {};
  std::string session_name = "vesto";
  std::function<std::unique_ptr<HttpTransport>(HttpOptions)> make_http;
};

std::unique_ptr<CredentialSource> make_default_chain(DefaultChainOptions options, Clock& clock);

}  // namespace vesto

#endif  // VESTO_AWS_DEFAULT_CHAIN_H_
