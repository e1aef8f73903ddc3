#include "sandbox/oidc/eks_issuer.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/s3/small_file.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr const char* kDefaultUrl =
    "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

// An id that always belongs to this name, in the form that Kubernetes gives.
std::string uid_of(const std::string& name) {
  const std::string digits = sha256_hex(name);
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-4" + digits.substr(13, 3) + "-8" +
         digits.substr(17, 3) + "-" + digits.substr(20, 12);
}

}  // namespace

Result<EksIssuer, std::string> EksIssuer::open(const std::string& dir, Clock& clock,
                                               std::string url) {
  if (url.empty()) url = kDefaultUrl;
  if (url.rfind("https://", 0) != 0 || url.back() == '/') {
    return std::string("the issuer's URL must begin with https:// and not end in a slash");
  }
  VESTO_ASSIGN(SigningKey key, SigningKey::load_or_make(dir + "/eks-issuer.pem", ""));
  return EksIssuer(std::move(url), std::move(key), clock);
}

std::string EksIssuer::token(const std::string& name_space, const std::string& service_account,
                             const EksTokenOptions& options) const {
  const int64_t now_s = clock_->wall_ms() / 1000;
  const std::string pod = service_account + "-0";
  const Json claims = {{"aud", Json::array({options.audience})},
                       {"exp", now_s + options.life_s},
                       {"iat", now_s},
                       {"iss", url_},
                       {"jti", to_hex(random_bytes(16))},
                       {"kubernetes.io",
                        {{"namespace", name_space},
                         {"pod", {{"name", pod}, {"uid", uid_of("pod/" + name_space + "/" + pod)}}},
                         {"serviceaccount",
                          {{"name", service_account},
                           {"uid", uid_of("sa/" + name_space + "/" + service_account)}}}}},
                       {"nbf", now_s},
                       {"sub", "system:serviceaccount:" + name_space + ":" + service_account}};
  return key_.sign(claims.dump(-1, ' ', false, Json::error_handler_t::replace), false);
}

Result<Unit, std::string> EksIssuer::write_token_file(const std::string& file,
                                                      const std::string& name_space,
                                                      const std::string& service_account,
                                                      const EksTokenOptions& options) const {
  if (write_small_file(file, token(name_space, service_account, options))) return Unit{};
  return "cannot write the token file " + file;
}

}  // namespace vesto::sandbox
