// Iam on a clock that the test moves.
#include "sandbox/iam/iam.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace vesto::sandbox {
namespace {

class MovedClock final : public Clock {
 public:
  int64_t wall_ms() override { return now_ms_; }
  int64_t monotonic_ms() override { return now_ms_; }
  int64_t boottime_ms() override { return now_ms_; }
  bool sleep_ms(int64_t, const std::stop_token&) override { return true; }
  void pass_s(int64_t seconds) { now_ms_ += seconds * 1000; }

 private:
  std::atomic<int64_t> now_ms_ = 1'763'805'600'000;  // 2025-11-22T10:00:00Z
};

constexpr const char* kRole = "arn:aws:iam::111122223333:role/loader";
constexpr const char* kUserKey = "AKIAEXAMPLE123456789";
constexpr const char* kObject = "arn:aws:s3:::stage/in/a.csv";
constexpr const char* kAllS3 =
    R"({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})";

constexpr std::string_view kWorld = R"(
[[account]]
id = "111122223333"
  [[account.role]]
  name = "loader"
  max_session_duration_s = 7200
  tags = { team = "data" }
  policies = ['''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*",
    "Resource": "arn:aws:s3:::stage/*"}}''']
  trust = '''{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
     "Principal": {"Federated": "accounts.google.com"}, "Condition": {"StringEquals": {
       "accounts.google.com:sub": "117", "accounts.google.com:oaud": "cust-42"}}},
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "444455556666"},
     "Condition": {"StringEquals": {"sts:ExternalId": "x-1"}}},
    {"Effect": "Allow", "Action": "sts:AssumeRole",
     "Principal": {"AWS": "arn:aws:iam::111122223333:user/ann"}},
    {"Effect": "Allow", "Action": "sts:AssumeRole",
     "Principal": {"Service": "redshift.amazonaws.com"}}]}'''
  [[account.user]]
  name = "ann"
  access_keys = [{ id = "AKIAEXAMPLE123456789", secret = "0123456789abcdef" }]
  policies = ['''{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Action": "s3:GetObject", "Resource": "arn:aws:s3:::stage/home/${aws:username}/*"}}''']
  [[account.oidc_provider]]
  issuer_url = "https://issuer.example/x"
  [[account.policy]]
  name = "writing"
  path = "/team/"
  document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Put*",
    "Resource": "*"}}'''
[[account]]
id = "444455556666"
  [[account.user]]
  name = "bob"
  attached_policies = ["arn:aws:iam::444455556666:policy/foreign"]
  access_keys = [{ id = "AKIAFOREIGN123456789", secret = "0123456789abcdef" }]
  policies = ['''{"Statement": {"Effect": "Allow", "Action": ["sts:AssumeRole", "s3:*"],
    "Resource": "*"}}''']
  [[account.policy]]
  name = "foreign"
  document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Action": "kms:Decrypt", "Resource": "*"}}'''
[[bucket]]
name = "stage"
account = "111122223333"
)";

class IamTest : public testing::Test {
 protected:
  IamTest() : iam_(parse_world(kWorld, "w").value(), clock_) {}

  AccessKeyInfo key(std::string_view id) { return iam_.find_key(id).value(); }

  TemporaryCredentials session(const std::string& policy = "", int64_t duration_s = 3600) {
    return iam_
        .issue({.role_arn = kRole,
                .session_name = "run1",
                .duration_s = duration_s,
                .session_policy = policy})
        .value();
  }
  IamError refused(const SessionRequest& request) {
    auto result = iam_.issue(request);
    return result.ok() ? IamError{} : result.error();
  }

  MovedClock clock_;
  Iam iam_;
};

TEST_F(IamTest, UsersKeysAndVariables) {
  const AccessKeyInfo ann = key(kUserKey);
  EXPECT_EQ(ann.secret, "0123456789abcdef");
  EXPECT_EQ(ann.principal.arn, "arn:aws:iam::111122223333:user/ann");
  EXPECT_FALSE(iam_.find_key("AKIANOBODY").has_value());
  EXPECT_FALSE(iam_.authorize(ann, "s3:GetObject", "arn:aws:s3:::stage/home/ann/x").has_value());
  const auto denial = iam_.authorize(ann, "s3:GetObject", kObject);
  ASSERT_TRUE(denial.has_value());
  EXPECT_EQ(denial->s3_text,
            "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: s3:GetObject "
            "on resource: \"arn:aws:s3:::stage/in/a.csv\" because no identity-based policy allows "
            "the s3:GetObject action");
}

// What the principal is cannot be claimed by the request.
TEST_F(IamTest, CallersKeysCannotBeForged) {
  RequestContext forged;
  forged.set("aws:username", "bob");
  EXPECT_TRUE(iam_.authorize(key(kUserKey), "s3:GetObject", "arn:aws:s3:::stage/home/bob/x", forged)
                  .has_value());
}

TEST_F(IamTest, WebIdentity) {
  const auto ask = [&](const std::string& aud, const std::string& sub, const char* role = kRole) {
    return iam_.may_assume_with_web_identity("accounts.google.com", role,
                                             google_context(aud, "117", sub));
  };
  EXPECT_FALSE(ask("cust-42", "117").has_value());
  const auto other = ask("cust-7", "117");
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->code, "AccessDenied");
  EXPECT_EQ(other->status, 403);
  EXPECT_EQ(other->message, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
  // A role that does not exist gives the same.
  EXPECT_EQ(ask("cust-42", "117", "arn:aws:iam::111122223333:role/none")->message, other->message);
  EXPECT_EQ(ask("cust-42", "117", "arn:aws:iam::1:cert/x")->message, "Request ARN is invalid");
}

TEST_F(IamTest, AssumeRole) {
  EXPECT_FALSE(iam_.may_assume(key(kUserKey), kRole, {}).has_value());
  RequestContext context;
  context.set("sts:ExternalId", "x-1");
  EXPECT_FALSE(iam_.may_assume(key("AKIAFOREIGN123456789"), kRole, context).has_value());
  const auto denied = iam_.may_assume(key("AKIAFOREIGN123456789"), kRole, {});
  ASSERT_TRUE(denied.has_value());
  EXPECT_EQ(denied->message,
            "User: arn:aws:iam::444455556666:user/bob is not authorized to perform: "
            "sts:AssumeRole on resource: arn:aws:iam::111122223333:role/loader");
  const std::string none = "arn:aws:iam::111122223333:role/none";
  EXPECT_EQ(iam_.may_assume(key(kUserKey), none, {})->message,
            "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: "
            "sts:AssumeRole on resource: " +
                none + " because no role trust policy allows the sts:AssumeRole action");
  AccessKeyInfo root;
  root.principal.kind = IamPrincipal::Kind::kRoot;
  EXPECT_EQ(iam_.may_assume(root, kRole, {})->message,
            "Roles may not be assumed by root accounts.");
  context.set("sts:SourceIdentity", "me");
  EXPECT_NE(iam_.may_assume(key("AKIAFOREIGN123456789"), kRole, context)
                ->message.find("sts:SetSourceIdentity"),
            std::string::npos);
}

TEST_F(IamTest, ServiceAndProvider) {
  EXPECT_FALSE(iam_.may_service_assume("redshift.amazonaws.com", kRole, {}).has_value());
  EXPECT_TRUE(iam_.may_service_assume("redshift-serverless.amazonaws.com", kRole, {}).has_value());
  EXPECT_TRUE(iam_.find_oidc_provider("111122223333", "https://issuer.example/x").has_value());
  EXPECT_TRUE(iam_.find_oidc_provider("111122223333", "issuer.example/x").has_value());
  EXPECT_FALSE(iam_.find_oidc_provider("111122223333", "accounts.google.com").has_value());
  EXPECT_EQ(oidc_provider_arn("111122223333", "https://issuer.example/x"),
            "arn:aws:iam::111122223333:oidc-provider/issuer.example/x");
}

TEST_F(IamTest, TemporaryKeys) {
  const TemporaryCredentials given = session();
  EXPECT_TRUE(given.access_key_id.starts_with("ASIA"));
  EXPECT_EQ(given.access_key_id.size(), 20U);
  EXPECT_EQ(given.secret_access_key.size(), 40U);
  for (const char c : {'/', '+', '='}) EXPECT_NE(given.session_token.find(c), std::string::npos);
  EXPECT_EQ(given.principal.arn, "arn:aws:sts::111122223333:assumed-role/loader/run1");
  EXPECT_TRUE(given.principal.user_id.starts_with("AROA"));
  const AccessKeyInfo found = key(given.access_key_id);
  EXPECT_EQ(found.session_token, given.session_token);
  EXPECT_EQ(found.expires_ms, clock_.wall_ms() + 3'600'000);
  EXPECT_FALSE(iam_.authorize(found, "s3:GetObject", kObject).has_value());
  clock_.pass_s(3601);
  EXPECT_LT(key(given.access_key_id).expires_ms, clock_.wall_ms());
}

TEST_F(IamTest, SessionPolicyStaysWithTheKey) {
  const auto narrow = session(
      R"({"Statement": {"Effect": "Allow", "Action": "s3:GetObject",
          "Resource": "arn:aws:s3:::stage/run/*"}})");
  EXPECT_GT(narrow.packed_policy_percent, 0);
  const AccessKeyInfo found = key(narrow.access_key_id);
  EXPECT_FALSE(iam_.authorize(found, "s3:GetObject", "arn:aws:s3:::stage/run/a").has_value());
  const auto denial = iam_.authorize(found, "s3:GetObject", kObject);
  ASSERT_TRUE(denial.has_value());
  EXPECT_EQ(denial->decision.kind, PolicyKind::kSession);
  EXPECT_NE(denial->text.find("because no session policy allows the s3:GetObject action"),
            std::string::npos);
}

TEST_F(IamTest, RefusedSessions) {
  const auto with = [](const std::string& name, int64_t duration_s,
                       const std::string& policy = "") {
    return SessionRequest{.role_arn = kRole,
                          .session_name = name,
                          .duration_s = duration_s,
                          .session_policy = policy};
  };
  EXPECT_EQ(refused(with("a b", 3600)).message,
            "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*");
  EXPECT_EQ(refused(with("x", 3600)).code, "ValidationError");
  EXPECT_EQ(refused(with(std::string(65, 'x'), 3600)).code, "ValidationError");
  EXPECT_EQ(refused(with("xx", 20)).message,
            "1 validation error detected: Value '20' at 'durationSeconds' failed to satisfy "
            "constraint: Member must have value greater than or equal to 900");
  EXPECT_EQ(refused(with("xx", 43'201)).code, "ValidationError");
  EXPECT_EQ(refused(with("xx", 7201)).message,
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  SessionRequest chained = with("xx", 3601);
  chained.chained = true;
  EXPECT_EQ(refused(chained).message,
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining.");
  EXPECT_EQ(refused(with("xx", 900, "{")).code, "MalformedPolicyDocument");
  EXPECT_EQ(refused(with("xx", 900, std::string(2049, ' '))).code, "ValidationError");
  EXPECT_EQ(refused(with("xx", 900, "{\"\xe2\x82\xac\"")).code, "ValidationError");
  const std::string large =
      R"({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::)" +
      std::string(1500, 'b') + R"("}})";
  EXPECT_EQ(refused(with("xx", 900, large)).code, "PackedPolicyTooLarge");
}

TEST_F(IamTest, ChangesTakeTheirTime) {
  const AccessKeyInfo ann = key(kUserKey);
  const std::string user = "arn:aws:iam::111122223333:user/ann";
  iam_.set_propagation_ms(60'000);
  ASSERT_TRUE(iam_.put_user_policy(user, "all", kAllS3).ok());
  EXPECT_TRUE(iam_.authorize(ann, "s3:GetObject", kObject).has_value());
  clock_.pass_s(59);
  EXPECT_TRUE(iam_.authorize(ann, "s3:GetObject", kObject).has_value());
  clock_.pass_s(1);
  EXPECT_FALSE(iam_.authorize(ann, "s3:GetObject", kObject).has_value());
  ASSERT_TRUE(iam_.delete_user_policy(user, "all").ok());
  EXPECT_FALSE(iam_.authorize(ann, "s3:GetObject", kObject).has_value());
  clock_.pass_s(60);
  EXPECT_TRUE(iam_.authorize(ann, "s3:GetObject", kObject).has_value());
}

TEST_F(IamTest, LaterChangeTakesThePlaceOfAPendingOne) {
  iam_.set_propagation_ms(60'000);
  ASSERT_TRUE(iam_.put_bucket_policy("stage", R"({"Statement": {"Effect": "Allow",
    "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::stage/*"}})")
                  .ok());
  iam_.set_propagation_ms(0);
  ASSERT_TRUE(iam_.delete_bucket_policy("stage").ok());
  clock_.pass_s(120);
  EXPECT_FALSE(iam_.bucket("stage")->policy.has_value());
}

TEST_F(IamTest, ChangesOfRolesAndBuckets) {
  const AccessKeyInfo loader = key(session().access_key_id);
  ASSERT_TRUE(iam_.put_bucket_policy("stage", R"({"Statement": {"Effect": "Deny",
    "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::stage/*"}})")
                  .ok());
  EXPECT_EQ(iam_.authorize(loader, "s3:GetObject", kObject)->decision.kind, PolicyKind::kResource);
  ASSERT_TRUE(iam_.delete_bucket_policy("stage").ok());
  ASSERT_TRUE(iam_.delete_role_policy(kRole, "policy-1").ok());
  EXPECT_TRUE(iam_.authorize(loader, "s3:GetObject", kObject).has_value());
  ASSERT_TRUE(iam_.put_role_policy(kRole, "new", kAllS3).ok());
  EXPECT_FALSE(iam_.authorize(loader, "s3:GetObject", kObject).has_value());
  ASSERT_TRUE(iam_.put_role_trust(kRole, R"({"Statement": {"Effect": "Deny", "Principal": "*",
    "Action": "sts:AssumeRole"}})")
                  .ok());
  EXPECT_TRUE(iam_.may_assume(key(kUserKey), kRole, {}).has_value());
  ASSERT_TRUE(iam_.delete_role(kRole).ok());
  EXPECT_TRUE(iam_.authorize(loader, "s3:GetObject", kObject).has_value());
  EXPECT_EQ(refused({.role_arn = kRole, .session_name = "run2"}).code, "AccessDenied");
}

TEST_F(IamTest, RefusedChanges) {
  EXPECT_EQ(iam_.put_role_policy("arn:aws:iam::111122223333:role/none", "n", kAllS3).error().code,
            "NoSuchEntity");
  EXPECT_EQ(iam_.put_role_policy(kRole, "n", "{}").error().code, "MalformedPolicyDocument");
  EXPECT_EQ(iam_.put_bucket_policy("stage", kAllS3).error().code, "MalformedPolicy");
  EXPECT_EQ(iam_.put_bucket_policy("none", R"({"Statement": {"Effect": "Allow",
    "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::none/*"}})")
                .error()
                .code,
            "NoSuchBucket");
  EXPECT_EQ(iam_.delete_user_policy("arn:aws:iam::111122223333:user/ann", "n").error().code,
            "NoSuchEntity");
  EXPECT_EQ(iam_.delete_access_key("AKIANOBODY").error().code, "NoSuchEntity");
  ASSERT_TRUE(iam_.delete_access_key(kUserKey).ok());
  EXPECT_FALSE(iam_.find_key(kUserKey).has_value());
  for (size_t i = 0; i < kMaxPoliciesEach; ++i) {
    static_cast<void>(iam_.put_role_policy(kRole, "p" + std::to_string(i), kAllS3));
  }
  EXPECT_EQ(iam_.put_role_policy(kRole, "one more", kAllS3).error().code, "LimitExceeded");
}

TEST_F(IamTest, PrincipalsMustExist) {
  const auto trusting = [](const std::string& principal) {
    return R"({"Statement": {"Effect": "Allow", "Principal": {"AWS": ")" + principal +
           R"("}, "Action": "sts:AssumeRole"}})";
  };
  for (const char* known :
       {"*", "444455556666", "arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:user/ann",
        "arn:aws:iam::111122223333:role/loader",
        "arn:aws:sts::111122223333:assumed-role/loader/x"}) {
    EXPECT_TRUE(iam_.put_role_trust(kRole, trusting(known)).ok()) << known;
  }
  for (const char* unknown :
       {"999999999999", "arn:aws:iam::999999999999:root", "arn:aws:iam::111122223333:user/none",
        "arn:aws:iam::444455556666:user/ann", "arn:aws:iam::111122223333:role/none",
        "arn:aws:sts::111122223333:assumed-role/none/x"}) {
    const auto done = iam_.put_role_trust(kRole, trusting(unknown));
    ASSERT_FALSE(done.ok()) << unknown;
    EXPECT_EQ(done.error().code, "MalformedPolicyDocument");
    EXPECT_EQ(done.error().status, 400);
    EXPECT_EQ(done.error().message,
              "Invalid principal in policy: \"AWS\":\"" + std::string(unknown) + "\"");
  }
  const auto bucket = iam_.put_bucket_policy("stage", R"({"Statement": {"Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:user/none"}, "Action": "s3:*",
    "Resource": "arn:aws:s3:::stage/*"}})");
  ASSERT_FALSE(bucket.ok());
  EXPECT_EQ(bucket.error().code, "MalformedPolicy");
  EXPECT_EQ(bucket.error().message, "Invalid principal in policy");
}

TEST_F(IamTest, ATrustOutlivesNoRoleOfTheSameName) {
  ASSERT_TRUE(iam_.put_role_trust(kRole, R"({"Statement": {"Effect": "Allow", "Principal":
    {"AWS": "arn:aws:iam::111122223333:role/loader"}, "Action": "sts:AssumeRole"}})")
                  .ok());
  const std::string id = iam_.world().role(kRole)->id;
  ASSERT_TRUE(iam_.put_bucket_policy("stage", R"({"Statement": {"Effect": "Allow", "Principal":
    {"AWS": "arn:aws:iam::111122223333:role/loader"}, "Action": "s3:*",
    "Resource": "arn:aws:s3:::stage/*"}})")
                  .ok());
  ASSERT_TRUE(iam_.delete_role(kRole).ok());
  const IamPolicy left = iam_.bucket("stage")->policy.value();
  EXPECT_EQ(left.statements.at(0).principal.aws.at(0), id);
  EXPECT_EQ(left.text.find("role/loader"), std::string::npos);
}

TEST_F(IamTest, ManagedPoliciesOfASession) {
  const auto with = [&](std::vector<std::string> arns, const std::string& policy = "") {
    return iam_.issue({.role_arn = kRole,
                       .session_name = "run1",
                       .session_policy = policy,
                       .policy_arns = std::move(arns)});
  };
  const std::string read_only = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
  const std::string writing = "arn:aws:iam::111122223333:policy/team/writing";
  const auto may = [&](const TemporaryCredentials& got, const char* action) {
    return !iam_.authorize(key(got.access_key_id), action, kObject).has_value();
  };
  const TemporaryCredentials reads = with({read_only}).value();
  EXPECT_GT(reads.packed_policy_percent, 0);
  EXPECT_TRUE(may(reads, "s3:GetObject"));
  EXPECT_FALSE(may(reads, "s3:PutObject"));
  const TemporaryCredentials both = with({read_only, writing}).value();
  EXPECT_TRUE(may(both, "s3:GetObject"));
  EXPECT_TRUE(may(both, "s3:PutObject"));
  EXPECT_FALSE(may(both, "s3:DeleteObject"));
  // The inline one counts among them.
  const TemporaryCredentials deletes = with({read_only}, R"({"Statement": {"Effect": "Allow",
    "Action": "s3:DeleteObject", "Resource": "*"}})")
                                           .value();
  EXPECT_TRUE(may(deletes, "s3:DeleteObject"));
  EXPECT_FALSE(may(deletes, "s3:PutObject"));
  EXPECT_EQ(with({"arn:aws:iam::111122223333:policy/none"}).error().code, "ValidationError");
  EXPECT_EQ(with({"arn:aws:iam::aws:policy/Unheard"}).error().message,
            "Policy arn:aws:iam::aws:policy/Unheard does not exist or is not attachable.");
  EXPECT_EQ(with({"arn:aws:iam::444455556666:policy/foreign"}).error().code, "ValidationError");
  EXPECT_EQ(with(std::vector<std::string>(11, read_only)).error().message,
            "1 validation error detected: Value '[...]' at 'policyArns' failed to satisfy "
            "constraint: Member must have length less than or equal to 10");
  // 600 characters fit alone; with ten ARNs they pass what a packed policy may take.
  const std::string long_policy = R"({"Statement": {"Effect": "Allow", "Action": "s3:*",
    "Resource": "arn:aws:s3:::)" + std::string(550, 'b') +
                                  R"("}})";
  EXPECT_TRUE(with({read_only}, long_policy).ok());
  EXPECT_EQ(with(std::vector<std::string>(10, read_only), long_policy).error().code,
            "PackedPolicyTooLarge");
  EXPECT_EQ(with(std::vector<std::string>(10, read_only + std::string(200, 'x'))).error().message,
            "The plain text of the session policy and the ARNs of the managed session policies "
            "can't exceed 2048 characters.");
}

TEST_F(IamTest, AttachedPoliciesCount) {
  const AccessKeyInfo bob = key("AKIAFOREIGN123456789");
  EXPECT_FALSE(
      iam_.authorize(bob, "kms:Decrypt", "arn:aws:kms:us-east-1:444455556666:key/k").has_value());
  EXPECT_TRUE(
      iam_.authorize(bob, "kms:Encrypt", "arn:aws:kms:us-east-1:444455556666:key/k").has_value());
}

TEST_F(IamTest, WhatIsWrittenIsReadAtOnce) {
  iam_.set_propagation_ms(60'000);
  ASSERT_TRUE(iam_.put_role_policy(kRole, "later", kAllS3).ok());
  EXPECT_EQ(iam_.world().role(kRole)->policies.size(), 1U);
  EXPECT_EQ(iam_.written().role(kRole)->policies.size(), 2U);
  ASSERT_TRUE(iam_.delete_role_policy(kRole, "later").ok());
  EXPECT_EQ(iam_.written().role(kRole)->policies.size(), 1U);
  clock_.pass_s(61);
  EXPECT_EQ(iam_.world().role(kRole)->policies.size(), 1U);
}

TEST_F(IamTest, ForeignBucketAndAnonymous) {
  const auto denial = iam_.authorize(key("AKIAFOREIGN123456789"), "s3:GetObject", kObject);
  ASSERT_TRUE(denial.has_value());
  EXPECT_TRUE(denial->decision.other_account);
  EXPECT_EQ(denial->s3_text, "Access Denied");
  EXPECT_TRUE(iam_.authorize_anonymous("s3:GetObject", kObject).has_value());
  ASSERT_TRUE(iam_.put_bucket("new", "444455556666", "us-east-1"));
  EXPECT_FALSE(iam_.authorize(key("AKIAFOREIGN123456789"), "s3:PutObject", "arn:aws:s3:::new/x")
                   .has_value());
}

TEST_F(IamTest, SessionsAreBounded) {
  const std::string first = session("", 900).access_key_id;
  clock_.pass_s(100);
  for (size_t i = 1; i < kMaxIamSessions; ++i) session();
  EXPECT_EQ(refused({.role_arn = kRole, .session_name = "run1"}).code, "Throttling");
  clock_.pass_s(900);
  EXPECT_TRUE(iam_.find_key(first).has_value());
  session();
  EXPECT_FALSE(iam_.find_key(first).has_value());
  EXPECT_EQ(iam_.session_count(), kMaxIamSessions);
}

TEST_F(IamTest, ManyThreads) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 50; ++n) {
        const AccessKeyInfo mine = key(session().access_key_id);
        EXPECT_FALSE(iam_.authorize(mine, "s3:GetObject", kObject).has_value());
        EXPECT_TRUE(iam_.put_role_policy(kRole, "t" + std::to_string(i), kAllS3).ok());
      }
    });
  }
  threads.clear();
  EXPECT_EQ(iam_.session_count(), 200U);
}

}  // namespace
}  // namespace vesto::sandbox
