// Alone in its file: the only place of the chain that needs the real STS client.
#include "aws/default_chain_parts.h"

namespace vesto {

std::unique_ptr<CredentialSource> make_default_chain(DefaultChainOptions options, Clock& clock) {
  auto make_http = options.make_http;
  return make_default_chain_with(std::move(options), clock,
                                 [make_http = std::move(make_http), &clock](StsOptions sts) {
                                   return make_sts(std::move(sts), clock, make_http({}));
                                 });
}

}  // namespace vesto
