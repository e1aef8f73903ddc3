// The default chain with STS given from outside, for tests that script it. make_default_chain
// (aws/default_chain.h) makes it with the real one.
#ifndef VESTO_AWS_DEFAULT_CHAIN_PARTS_H_
#define VESTO_AWS_DEFAULT_CHAIN_PARTS_H_

#include <functional>
#include <memory>
#include <string>

#include "aws/child_process.h"
#include "aws/default_chain.h"

namespace vesto {

using StsFactory = std::function<std::unique_ptr<Sts>(StsOptions)>;

// What the providers of the chain work with. It outlives the sources made from it.
struct ChainContext {
  DefaultChainOptions options;
  Clock& clock;
  StsFactory make_sts;
  ChildLimits process_limits = {};
};

std::unique_ptr<CredentialSource> make_default_chain_with(DefaultChainOptions options, Clock& clock,
                                                          StsFactory make_sts,
                                                          ChildLimits process_limits = {});

}  // namespace vesto

#endif  // VESTO_AWS_DEFAULT_CHAIN_PARTS_H_
