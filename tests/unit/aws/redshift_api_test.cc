// Redshift's own APIs against scripted answers, and the host names of warehouses.
#include "aws/redshift_api.h"

#include "tests/unit/aws/query_support.h"

namespace vesto {
namespace {

using testing_support::has;
using testing_support::query_fault;
using testing_support::QueryTest;

std::string login_answer(const std::string& action) {
  return "<" + action + "Response xmlns=\"http://redshift.amazonaws.com/doc/2012-12-01/\"><" +
         action +
         "Result><DbUser>IAM:sync_user</DbUser><DbPassword>AMAFUyyu/of+answer</DbPassword>"
         "<Expiration>2026-01-02T04:04:05.000Z</Expiration></" +
         action + "Result></" + action + "Response>";
}

class RedshiftApiTest : public QueryTest {
 protected:
  std::unique_ptr<RedshiftApi> cluster() {
    return make_redshift_api({.region = "us-west-2"}, clock_, transport());
  }
  std::unique_ptr<RedshiftApi> serverless() {
    return make_redshift_api({.region = "us-east-1", .serverless = true}, clock_, transport());
  }
  static LoginRequest cluster_login() {
    return {.warehouse = "examplecluster", .db_user = "sync_user", .database = "dev"};
  }
  static LoginRequest workgroup_login() {
    return {.warehouse = "default-workgroup", .database = "dev"};
  }
};

// Vector V2.
TEST_F(RedshiftApiTest, ClusterCredentials) {
  script_.answer(200, login_answer("GetClusterCredentials"));
  const auto login = cluster()->get_login(cluster_login(), as_, {});
  ASSERT_TRUE(login.ok()) << login.error().to_string();
  EXPECT_EQ(login->user, "IAM:sync_user");
  EXPECT_EQ(login->password.reveal(), "AMAFUyyu/of+answer");
  EXPECT_EQ(login->expires_at_ms, 1'767'326'645'000);
  const auto& sent = script_.sent.at(0);
  EXPECT_EQ(sent.url, "https://redshift.us-west-2.amazonaws.com/");
  EXPECT_EQ(sent.body,
            "Action=GetClusterCredentials&Version=2012-12-01&ClusterIdentifier=examplecluster&"
            "DbUser=sync_user&DbName=dev&AutoCreate=false&DurationSeconds=3600");
  EXPECT_EQ(sent_signature(), "363e35ce2b85defb3e55478458c8efd4bfaf0f7a4418bbb77a930b6590641d90");
}

TEST_F(RedshiftApiTest, WithoutAUserTheIdentityLogsIn) {
  script_.answer(200, login_answer("GetClusterCredentialsWithIAM"));
  LoginRequest request = cluster_login();
  request.db_user = "";
  request.database = "";
  request.duration_s = 900;
  ASSERT_TRUE(cluster()->get_login(request, as_, {}).ok());
  EXPECT_EQ(script_.sent.at(0).body,
            "Action=GetClusterCredentialsWithIAM&Version=2012-12-01&"
            "ClusterIdentifier=examplecluster&DurationSeconds=900");
}

// Vector V3.
TEST_F(RedshiftApiTest, WorkgroupCredentials) {
  script_.answer(200, R"({"dbUser":"IAMR:transfer-role","dbPassword":"pass-of-workgroup",)"
                      R"("expiration":1767326645.5,"nextRefreshTime":1767326000.0})");
  const auto login = serverless()->get_login(workgroup_login(), as_, {});
  ASSERT_TRUE(login.ok()) << login.error().to_string();
  EXPECT_EQ(login->user, "IAMR:transfer-role");
  EXPECT_EQ(login->password.reveal(), "pass-of-workgroup");
  EXPECT_EQ(login->expires_at_ms, 1'767'326'645'500);
  const auto& sent = script_.sent.at(0);
  EXPECT_EQ(sent.url, "https://redshift-serverless.us-east-1.amazonaws.com/");
  EXPECT_EQ(sent.body,
            R"({"workgroupName":"default-workgroup","dbName":"dev","durationSeconds":3600})");
  EXPECT_EQ(sent.headers.at("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(sent.headers.at("x-amz-target"), "RedshiftServerless.GetCredentials");
  EXPECT_EQ(sent_signature(), "1fe678dc58b50c249503179a3af6b975f5312107b5c5deca4dceb2e929d36550");
}

TEST_F(RedshiftApiTest, DescribesACluster) {
  script_.answer(200,
                 "<r:DescribeClustersResponse xmlns:r=\"x\"><r:DescribeClustersResult><r:Clusters>"
                 "<r:Cluster><r:ClusterStatus>available</r:ClusterStatus><r:Endpoint><r:Address>h."
                 "redshift.amazonaws.com</r:Address><r:Port>5439</r:Port></r:Endpoint>"
                 "<r:PubliclyAccessible>true</r:PubliclyAccessible></r:Cluster></r:Clusters>"
                 "</r:DescribeClustersResult></r:DescribeClustersResponse>");
  const auto info = cluster()->describe("examplecluster", as_, {});
  ASSERT_TRUE(info.ok()) << info.error().to_string();
  EXPECT_EQ(info->status, "available");
  EXPECT_EQ(info->address, "h.redshift.amazonaws.com");
  EXPECT_EQ(info->port, 5439);
  EXPECT_TRUE(info->publicly_accessible);
  EXPECT_EQ(info->resource_arn, "");
  EXPECT_EQ(script_.sent.at(0).body,
            "Action=DescribeClusters&Version=2012-12-01&ClusterIdentifier=examplecluster");

  script_.answer(200,
                 "<DescribeClustersResponse><DescribeClustersResult><Clusters><Cluster>"
                 "<ClusterStatus>paused</ClusterStatus></Cluster></Clusters>"
                 "</DescribeClustersResult></DescribeClustersResponse>");
  const auto paused = cluster()->describe("examplecluster", as_, {});
  ASSERT_TRUE(paused.ok());
  EXPECT_EQ(paused->status, "paused");
  EXPECT_EQ(paused->port, 0);

  script_.answer(200,
                 "<DescribeClustersResponse><DescribeClustersResult><Clusters/>"
                 "</DescribeClustersResult></DescribeClustersResponse>");
  EXPECT_EQ(cluster()->describe("examplecluster", as_, {}).error().code(),
            ErrorCode::kRsClusterNotFound);
}

TEST_F(RedshiftApiTest, DescribesAWorkgroup) {
  script_.answer(200, R"({"workgroup":{"status":"AVAILABLE","publiclyAccessible":false,
      "endpoint":{"address":"wg.host","port":5439},"workgroupId":"1-2-3",
      "workgroupArn":"arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/1-2-3"}})");
  const auto info = serverless()->describe("default-workgroup", as_, {});
  ASSERT_TRUE(info.ok()) << info.error().to_string();
  EXPECT_EQ(info->status, "AVAILABLE");
  EXPECT_EQ(info->address, "wg.host");
  EXPECT_EQ(info->port, 5439);
  EXPECT_EQ(info->workgroup_id, "1-2-3");
  EXPECT_TRUE(has(info->resource_arn, "workgroup/1-2-3"));
  EXPECT_FALSE(info->publicly_accessible);
  EXPECT_EQ(script_.sent.at(0).headers.at("x-amz-target"), "RedshiftServerless.GetWorkgroup");
  script_.answer(400, R"({"__type":"AccessDeniedException","message":"no"})");
  EXPECT_EQ(serverless()->describe("default-workgroup", as_, {}).error().code(),
            ErrorCode::kRsCredDenied);
}

TEST_F(RedshiftApiTest, RepeatsWhatPasses) {
  script_.answer(400, R"({"__type":"ThrottlingException","message":"slow"})");
  script_.answer(500, R"({"__type":"InternalServerException","message":"x"})");
  script_.answer(200, R"({"dbUser":"u","dbPassword":"pppp1","expiration":1767326645})");
  EXPECT_TRUE(serverless()->get_login(workgroup_login(), as_, {}).ok());
  EXPECT_EQ(script_.sent.size(), 3U);
}

TEST_F(RedshiftApiTest, RefusesWhatAwsCouldNotTake) {
  LoginRequest request = cluster_login();
  request.duration_s = 3601;
  EXPECT_EQ(cluster()->get_login(request, as_, {}).error().code(), ErrorCode::kCfgValue);
  request.duration_s = 899;
  EXPECT_EQ(serverless()->get_login(request, as_, {}).error().code(), ErrorCode::kCfgValue);
  EXPECT_EQ(cluster()->describe("", as_, {}).error().code(), ErrorCode::kCfgValue);
  EXPECT_TRUE(script_.sent.empty());
}

// A name may hold anything: it stays inside its field.
TEST_F(RedshiftApiTest, NamesAreEncoded) {
  script_.answer(200, login_answer("GetClusterCredentials"));
  LoginRequest request = cluster_login();
  request.db_user = "a&AutoCreate=true";
  ASSERT_TRUE(cluster()->get_login(request, as_, {}).ok());
  EXPECT_TRUE(has(script_.sent.back().body, "DbUser=a%26AutoCreate%3Dtrue&"));
  script_.answer(200, R"({"dbUser":"u","dbPassword":"pppp2","expiration":1767326645})");
  LoginRequest quoted = workgroup_login();
  quoted.warehouse = "a\",\"x\":\"";
  ASSERT_TRUE(serverless()->get_login(quoted, as_, {}).ok());
  EXPECT_TRUE(has(script_.sent.back().body, R"("a\",\"x\":\"")"));
}

}  // namespace
}  // namespace vesto
