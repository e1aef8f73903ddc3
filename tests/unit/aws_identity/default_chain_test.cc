// Which provider is used, and what each gives. STS and HTTP are scripted.
#include "aws/default_chain.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "aws/default_chain_parts.h"
#include "base/strings.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

struct StsCall {
  StsOptions options;
  AssumeRoleRequest request;
  std::string proof;  // the token, or the access key that signs
};

struct StsScript {
  std::vector<StsCall> calls;
  std::optional<Error> error;
};

// Gives the key "ASIA<n>" at the n-th call.
class ScriptedSts final : public Sts {
 public:
  ScriptedSts(StsScript& script, StsOptions options)
      : script_(script), options_(std::move(options)) {}

  Result<AssumedRole> assume_role_with_web_identity(const AssumeRoleRequest& request,
                                                    const Secret& token,
                                                    const std::stop_token&) override {
    return answer(request, token.reveal());
  }
  Result<AssumedRole> assume_role(const AssumeRoleRequest& request, const AwsCredentials& as,
                                  const std::stop_token&) override {
    return answer(request, as.access_key_id);
  }
  Result<CallerIdentity> get_caller_identity(const AwsCredentials&,
                                             const std::stop_token&) override {
    return Error(ErrorCode::kInternal, "not scripted");
  }

 private:
  Result<AssumedRole> answer(const AssumeRoleRequest& request, const std::string& proof) {
    script_.calls.push_back({options_, request, proof});
    if (script_.error) return *script_.error;
    AssumedRole role;
    role.credentials.access_key_id = "ASIA" + std::to_string(script_.calls.size());
    role.credentials.secret_access_key = Secret("scripted-secret");
    role.credentials.expires_at_ms = kNowMs + 3'600'000;
    return role;
  }

  StsScript& script_;
  const StsOptions options_;
};

class ChainTest : public IdentityTest {
 protected:
  std::unique_ptr<CredentialSource> chain(const std::string& profile = "") {
    DefaultChainOptions options;
    options.environment = environment();
    options.profile = profile;
    options.make_http = [this](const HttpOptions& http) {
      EXPECT_TRUE(http.no_proxy);
      return std::make_unique<ScriptedHttp>(script_);
    };
    return make_default_chain_with(
        options, clock_,
        [this](StsOptions sts) { return std::make_unique<ScriptedSts>(sts_, std::move(sts)); },
        {.time_ms = 5000});
  }
  Result<AwsCredentials> get(const std::string& profile = "") { return chain(profile)->get(0, {}); }
  // The access key, or the error's text.
  std::string key(const std::string& profile = "") {
    const auto keys = get(profile);
    return keys.ok() ? keys->access_key_id : keys.error().to_string();
  }
  void config(const std::string& text) { write(".aws/config", text); }
  void credentials(const std::string& text) { write(".aws/credentials", text); }
  void environment_keys() {
    values_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
    values_["AWS_SECRET_ACCESS_KEY"] = "env-secret";
  }

  StsScript sts_;
};

std::string keys_of(const std::string& id) {
  return "aws_access_key_id = " + id + "\naws_secret_access_key = secret-of-" + id + "\n";
}

TEST_F(ChainTest, EnvironmentIsFirst) {
  environment_keys();
  credentials("[default]\n" + keys_of("AKIAFILE"));
  EXPECT_EQ(key(), "AKIAENV");
  EXPECT_EQ(chain()->describe(), "the environment (AWS_ACCESS_KEY_ID)");
  values_["AWS_SESSION_TOKEN"] = "env-token";
  EXPECT_EQ(get()->session_token.reveal(), "env-token");
  values_["AWS_PROFILE"] = "default";
  EXPECT_EQ(key(), "AKIAENV");
  EXPECT_EQ(key("default"), "AKIAFILE");  // chosen by name in the configuration
}

TEST_F(ChainTest, HalfAnEnvironmentIsAnError) {
  values_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  credentials("[default]\n" + keys_of("AKIAFILE"));
  EXPECT_EQ(code_of(get()), ErrorCode::kAwsNoCredentials);
  values_["AWS_SECRET_ACCESS_KEY"] = "hunter2\n";
  ASSERT_EQ(code_of(get()), ErrorCode::kAwsNoCredentials);
  EXPECT_EQ(all_of(get().error()).find("hunter2"), std::string::npos);
}

TEST_F(ChainTest, OrderWithinProfiles) {
  config(
      "[default]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"PROC\","
      "\"SecretAccessKey\":\"s\"}'\n" +
      keys_of("AKIACONFIG"));
  EXPECT_EQ(key(), "PROC");
  EXPECT_EQ(chain()->describe(), "the profile default (credential_process)");
  credentials("[default]\n" + keys_of("AKIAFILE"));
  EXPECT_EQ(key(), "AKIAFILE");
  EXPECT_EQ(chain()->describe(), "the profile default (keys in " + dir_ + "/.aws/credentials)");
  values_["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "the.web.token\n");
  values_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/web";
  EXPECT_EQ(key(), "ASIA1");
  EXPECT_EQ(sts_.calls.at(0).proof, "the.web.token");
  config("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n");
  EXPECT_EQ(key(), "ASIA2");
  EXPECT_EQ(sts_.calls.at(1).proof, "AKIAFILE");
}

TEST_F(ChainTest, ConfigFileKeysAreLastOfTheProfiles) {
  config("[profile etl]\n" + keys_of("AKIACONFIG"));
  values_["AWS_PROFILE"] = "etl";
  values_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/";
  EXPECT_EQ(key(), "AKIACONFIG");
}

TEST_F(ChainTest, AssumeRole) {
  config(
      "[profile etl]\nrole_arn = arn:aws:iam::123456789012:role/load\nsource_profile = base\n"
      "external_id = ext-1\nrole_session_name = nightly\nduration_seconds = 1800\n"
      "region = eu-west-3\n");
  credentials("[base]\n" + keys_of("AKIABASE"));
  values_["AWS_PROFILE"] = "etl";
  EXPECT_EQ(chain()->describe(),
            "the profile etl (role arn:aws:iam::123456789012:role/load from profile base)");
  EXPECT_EQ(key(), "ASIA1");
  const StsCall& call = sts_.calls.at(0);
  EXPECT_EQ(call.request.role_arn, "arn:aws:iam::123456789012:role/load");
  EXPECT_EQ(call.request.external_id, "ext-1");
  EXPECT_EQ(call.request.session_name, "nightly");
  EXPECT_EQ(call.request.duration_s, 1800);
  EXPECT_EQ(call.proof, "AKIABASE");
  EXPECT_EQ(call.options.region, "eu-west-3");
  values_["AWS_DEFAULT_REGION"] = "eu-north-1";
  EXPECT_EQ(key(), "ASIA2");
  EXPECT_EQ(sts_.calls.at(1).options.region, "eu-north-1");
  values_["AWS_REGION"] = "us-west-2";
  EXPECT_EQ(key(), "ASIA3");
  EXPECT_EQ(sts_.calls.at(2).options.region, "us-west-2");
}

TEST_F(ChainTest, RegionOfThePartition) {
  credentials("[base]\n" + keys_of("AKIABASE"));
  const std::pair<const char*, const char*> cases[] = {{"aws", "us-east-1"},
                                                       {"aws-cn", "cn-northwest-1"},
                                                       {"aws-us-gov", "us-gov-west-1"},
                                                       {"aws-eusc", "eusc-de-east-1"}};
  for (const auto& [partition, region] : cases) {
    config("[profile etl]\nsource_profile = base\nrole_arn = arn:" + std::string(partition) +
           ":iam::123456789012:role/r\n");
    ASSERT_TRUE(get("etl").ok());
    EXPECT_EQ(sts_.calls.back().options.region, region);
    EXPECT_EQ(sts_.calls.back().request.session_name, "vesto");
  }
}

TEST_F(ChainTest, RolesInARow) {
  config(
      "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
      "[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
      "[profile c]\nrole_arn = arn:c\ncredential_source = Environment\n");
  environment_keys();
  EXPECT_EQ(key("a"), "ASIA3");
  EXPECT_EQ(sts_.calls.at(0).proof + sts_.calls.at(1).proof + sts_.calls.at(2).proof,
            "AKIAENVASIA1ASIA2");
  EXPECT_EQ(chain("c")->describe(), "the profile c (role arn:c from Environment)");
}

TEST_F(ChainTest, FailureOfTheChosenOneIsTheAnswer) {
  config("[default]\nrole_arn = arn:r\nsource_profile = base\n");
  credentials("[base]\n" + keys_of("AKIABASE") + "[default]\n" + keys_of("AKIADEFAULT"));
  sts_.error = Error(ErrorCode::kAwsAssumeDenied, "denied");
  const auto keys = get();
  ASSERT_EQ(code_of(keys), ErrorCode::kAwsAssumeDenied);
  EXPECT_NE(keys.error().to_string().find("the profile default (role arn:r from profile base)"),
            std::string::npos);
}

TEST_F(ChainTest, CirclesAndDepth) {
  config(
      "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
      "[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
      "[profile c]\nrole_arn = arn:c\nsource_profile = b\n"
      "[profile self]\nrole_arn = arn:s\nsource_profile = self\n");
  ASSERT_EQ(code_of(get("a")), ErrorCode::kAwsProfile);
  EXPECT_NE(key("a").find("circle: a -> b -> c -> b"), std::string::npos) << key("a");
  EXPECT_NE(key("self").find("circle: self -> self"), std::string::npos) << key("self");
  std::string rows;
  for (int i = 0; i < 8; ++i) {
    rows += fmt::format("[profile p{}]\nrole_arn = arn:{}\nsource_profile = p{}\n", i, i, i + 1);
  }
  config(rows);
  credentials("[p8]\n" + keys_of("AKIABASE"));
  EXPECT_EQ(key("p3"), "ASIA5");  // five roles: p3 to p7
  ASSERT_EQ(code_of(get("p2")), ErrorCode::kAwsProfile);
  EXPECT_NE(key("p2").find("more than 5 roles"), std::string::npos) << key("p2");
  EXPECT_EQ(sts_.calls.size(), 5U);
}

TEST_F(ChainTest, RoleProfilesThatCannotBeUsed) {
  struct Case {
    std::string keys, text;
  };
  const Case cases[] = {
      {"role_arn = arn:r\n", "no source_profile and no credential_source"},
      {"role_arn = arn:r\nsource_profile = base\ncredential_source = Environment\n", "has both"},
      {"role_arn =\nsource_profile = base\n", "empty role_arn"},
      {"role_arn = arn:r\nsource_profile = bsae\n", "source_profile bsae, which is not in"},
      {"role_arn = arn:r\nsource_profile = empty\n", "has no credentials"},
      {"role_arn = arn:r\nsource_profile = base\nmfa_serial = arn:mfa\n", "mfa_serial"},
      {"role_arn = arn:r\nsource_profile = base\nduration_seconds = 60\n", "duration_seconds"},
      {"role_arn = arn:r\nsource_profile = base\nduration_seconds = 1h\n", "duration_seconds"},
      {"role_arn = arn:r\ncredential_source = Moon\n", "credential_source Moon"},
      {"role_arn = arn:r\ncredential_source = Environment\n", "AWS_ACCESS_KEY_ID is not set"},
      {"role_arn = arn:r\ncredential_source = EcsContainer\n", "EcsContainer, but no"},
      {"web_identity_token_file = /x\n", "no role_arn"},
      {"aws_access_key_id = AKIA\n", "without an aws_secret_access_key"},
      {"aws_access_key_id = AKIA\naws_secret_access_key = hunter2 # old\n", "cannot have"},
      {"sso_account_id = 1\nsso_role_name = r\n", "IAM Identity Center"},
      {"sso_session = s\nsso_role_name = r\n" + keys_of("AKIASSO"), "IAM Identity Center"},
      {"credential_process = /no/such/program\n" + keys_of("AKIAPROC"), "cannot be started"}};
  credentials("[base]\n" + keys_of("AKIABASE"));
  for (const Case& c : cases) {
    config("[profile etl]\n" + c.keys + "[profile empty]\nregion = r\n");
    const auto keys = get("etl");
    ASSERT_EQ(code_of(keys), ErrorCode::kAwsProfile) << c.keys;
    EXPECT_NE(keys.error().message().find(c.text), std::string::npos) << keys.error().message();
    EXPECT_EQ(all_of(keys.error()).find("hunter2"), std::string::npos);
    EXPECT_NE(chain("etl")->describe(), "");
  }
  EXPECT_TRUE(sts_.calls.empty());
  config("[profile etl]\nrole_arn = arn:r\nsource_profile = bsae\n");
  EXPECT_EQ(get("etl").error().hint(), "Did you mean base?");
  config("[profile etl]\nsso_account_id = 1\n");
  EXPECT_NE(get("etl").error().hint().find("aws configure export-credentials --profile etl"),
            std::string::npos);
}

TEST_F(ChainTest, WebIdentity) {
  const std::string path = write("token", "token.one.x\n");
  values_["AWS_WEB_IDENTITY_TOKEN_FILE"] = path;
  EXPECT_EQ(code_of(get()), ErrorCode::kAwsNoCredentials);  // no AWS_ROLE_ARN
  values_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/web";
  values_["AWS_ROLE_SESSION_NAME"] = "pod";
  const auto source = chain();
  ASSERT_TRUE(source->get(0, {}).ok());
  write("token", "token.two.x");
  ASSERT_TRUE(source->get(0, {}).ok());
  EXPECT_EQ(sts_.calls.at(0).proof, "token.one.x");
  EXPECT_EQ(sts_.calls.at(1).proof, "token.two.x");
  EXPECT_EQ(sts_.calls.at(1).request.session_name, "pod");
  EXPECT_EQ(source->describe(),
            "web identity (role arn:aws:iam::1:role/web, token in " + path + ")");
  for (const std::string& text : {std::string(), std::string("hunter2 hunter2"),
                                  std::string("a\r\nb"), std::string(20'001, 'a')}) {
    write("token", text);
    ASSERT_EQ(code_of(source->get(0, {})), ErrorCode::kCfgSecretMissing);
    EXPECT_EQ(all_of(source->get(0, {}).error()).find("hunter2"), std::string::npos);
  }
  values_["AWS_WEB_IDENTITY_TOKEN_FILE"] = dir_ + "/none";
  EXPECT_EQ(code_of(get()), ErrorCode::kCfgSecretMissing);
  EXPECT_EQ(sts_.calls.size(), 2U);
}

TEST_F(ChainTest, WebIdentityOfAProfile) {
  config("[profile etl]\nrole_arn = arn:r\nweb_identity_token_file = " +
         write("token", "token.one.x") + "\nrole_session_name = s\n" +
         "[profile top]\nrole_arn = arn:top\nsource_profile = etl\n");
  EXPECT_EQ(key("etl"), "ASIA1");
  EXPECT_EQ(sts_.calls.at(0).request.session_name, "s");
  EXPECT_EQ(key("top"), "ASIA3");
  EXPECT_EQ(sts_.calls.at(1).proof, "token.one.x");
  EXPECT_EQ(sts_.calls.at(2).proof, "ASIA2");
}

TEST_F(ChainTest, ProfilesThatAreNotThere) {
  credentials("[production]\n" + keys_of("AKIAPROD"));
  values_["AWS_PROFILE"] = "prodution";
  const auto keys = get();
  ASSERT_EQ(code_of(keys), ErrorCode::kAwsNoCredentials);
  EXPECT_NE(keys.error().message().find("no profile prodution in " + dir_), std::string::npos);
  EXPECT_EQ(keys.error().hint(), "Did you mean production?");
  EXPECT_EQ(key("production"), "AKIAPROD");
}

TEST_F(ChainTest, BrokenFilesAreAnError) {
  config("[default\n");
  values_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/";
  EXPECT_EQ(code_of(get()), ErrorCode::kAwsProfile);
  environment_keys();
  EXPECT_EQ(key(), "AKIAENV");
}

TEST_F(ChainTest, ContainerThenInstance) {
  values_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/x";
  script_.answer(200, R"({"AccessKeyId":"ASIACONT","SecretAccessKey":"s","Token":"t"})");
  EXPECT_EQ(key(), "ASIACONT");
  EXPECT_EQ(chain()->describe(), "the container's role (ECS or EKS Pod Identity)");
  for (int i = 0; i < 3; ++i) script_.fail(ErrorCode::kNetRefused);
  EXPECT_EQ(code_of(get()), ErrorCode::kNetRefused);  // the instance is not asked in its place
  values_.erase("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  script_.answer(200, "tok");
  script_.answer(200, "role");
  script_.answer(200, R"({"AccessKeyId":"ASIAEC2","SecretAccessKey":"s","Token":"t"})");
  EXPECT_EQ(key(), "ASIAEC2");
  EXPECT_EQ(chain()->describe(), "the instance's role (EC2 metadata)");
  config("[profile etl]\nrole_arn = arn:r\ncredential_source = Ec2InstanceMetadata\n");
  script_.answer(200, "tok");
  script_.answer(200, "role");
  script_.answer(200, R"({"AccessKeyId":"ASIAEC2","SecretAccessKey":"s","Token":"t"})");
  EXPECT_EQ(key("etl"), "ASIA1");
  EXPECT_EQ(sts_.calls.at(0).proof, "ASIAEC2");
}

TEST_F(ChainTest, NothingThere) {
  script_.fail(ErrorCode::kNetTimeout);
  const auto keys = get();
  ASSERT_EQ(code_of(keys), ErrorCode::kAwsNoCredentials);
  for (const char* place :
       {"AWS_ACCESS_KEY_ID", "the profile default in ", ".aws/credentials",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS", "http://169.254.169.254"}) {
    EXPECT_NE(keys.error().message().find(place), std::string::npos) << place;
  }
  EXPECT_NE(keys.error().hint().find("HttpPutResponseHopLimit"), std::string::npos);
  values_["AWS_EC2_METADATA_DISABLED"] = "true";
  const auto off = get();
  ASSERT_EQ(code_of(off), ErrorCode::kAwsNoCredentials);
  EXPECT_NE(off.error().message().find("switched off"), std::string::npos);
  EXPECT_EQ(script_.sent.size(), 1U);
  EXPECT_NE(chain()->describe().find("nothing is configured"), std::string::npos);
  std::stop_source stop;
  stop.request_stop();
  environment_keys();
  EXPECT_EQ(code_of(chain()->get(0, stop.get_token())), ErrorCode::kRunInterrupted);
}

}  // namespace
}  // namespace vesto
