// Prefixes, manifests, credentials, faults: what happens before and around the rows.
#include <stop_token>

#include "copy_fixture.h"

namespace vesto::sandbox {
namespace {

using Prefix = CopyTest;
using Manifest = CopyTest;
using Credentials = CopyTest;
using CopyFaults = CopyTest;
using Result = CopyTest;

TEST_F(Prefix, LoadsEveryKeyThatBeginsWithIt) {
  statement.from = "s3://b/p/a";
  put("p/a", "1,x\n");
  put("p/a.bak", "2,y\n");
  put("p/b", "3,z\n");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(sink.rows, "1\tx\n2\ty\n");
}

TEST_F(Prefix, GoesOnBehindAFullPage) {
  store.page_keys = 3;
  std::string expected;
  for (int i = 10; i < 25; ++i) {
    put("p/" + std::to_string(i), std::to_string(i) + ",x\n");
    expected += std::to_string(i) + "\tx\n";
  }
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(sink.rows, expected);
}

TEST_F(Prefix, SkipsFolderMarkers) {
  put("p/", "");
  put("p/1", "1,x\n");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 1);
}

TEST_F(Prefix, NothingThere) {
  put("q", "1,x\n");
  EXPECT_EQ(run_message(), "The specified S3 prefix 'p/' does not exist");
  EXPECT_EQ(last.sqlstate, "XX000");
  EXPECT_EQ(last.detail,
            "\n  -----------------------------------------------\n"
            "  error:  The specified S3 prefix 'p/' does not exist\n"
            "  code:      8001\n"
            "  context:   \n"
            "  query:     42\n"
            "  location:  s3_utility.cpp:568\n"
            "  process:   padbmaster [pid=4711]\n"
            "  -----------------------------------------------\n");
}

TEST_F(Prefix, NoSuchBucket) {
  statement.from = "s3://nope/p";
  put("p", "1,x\n");
  EXPECT_EQ(without_ids(run_message()),
            "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket");
}

TEST_F(Prefix, OnlyS3) {
  statement.from = "emr://j-1/x";
  EXPECT_EQ(run_message(), "COPY source 'emr://j-1/x' is not supported: only s3:// is");
  for (const char* from : {"", "s3://", "s3:///key", "b/k"}) {
    statement.from = from;
    EXPECT_NE(run_message(), "") << from;
  }
}

TEST_F(Prefix, ReadErrorInTheMiddle) {
  store.chunk_bytes = 4;
  store.read_error = S3Error{.status = 503, .code = "SlowDown", .message = "Please reduce"};
  put("p/1", "1,x\n2,y\n");
  EXPECT_EQ(without_ids(run_message()),
            "S3ServiceException:Please reduce,Status 503,Error SlowDown");
  EXPECT_EQ(last.sqlstate, "XX000");
}

TEST_F(Manifest, LoadsItsEntriesInOrder) {
  put("x", "1,x\n");
  put("y", "2,y\n");
  use_manifest(R"({"entries":[{"url":"s3://b/y","mandatory":true,"meta":{"content_length":4}},
                              {"url":"s3://b/x"}]})");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(sink.rows, "2\ty\n1\tx\n");
}

TEST_F(Manifest, AFileListedTwiceIsLoadedTwice) {
  put("x", "1,x\n");
  use_manifest(R"({"entries":[{"url":"s3://b/x"},{"url":"s3://b/x"}]})");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 2);
}

TEST_F(Manifest, AUrlIsNoPrefix) {
  put("xy", "1,x\n");
  use_manifest(R"({"entries":[{"url":"s3://b/x","mandatory":true}]})");
  EXPECT_EQ(run_message(), "Mandatory url is not present in manifest file.");
}

TEST_F(Manifest, MissingMandatoryFile) {
  put("x", "1,x\n");
  use_manifest(
      R"({"entries":[{"url":"s3://b/x","mandatory":true},{"url":"s3://b/y","mandatory":true}]})");
  EXPECT_EQ(run_message(), "Mandatory url is not present in manifest file.");
  EXPECT_EQ(last.sqlstate, "XX000");
  EXPECT_NE(last.detail.find("code:      8001"), std::string::npos);
  EXPECT_NE(last.detail.find("Manifest file location=s3://b/m.json url=s3://b/y"),
            std::string::npos);
  EXPECT_EQ(sink.rows, "");
}

TEST_F(Manifest, MissingOptionalFileIsSkipped) {
  put("x", "1,x\n");
  use_manifest(R"({"entries":[{"url":"s3://b/y"},{"url":"s3://b/x","mandatory":false}]})");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 1);
}

TEST_F(Manifest, NoFileAtAll) {
  use_manifest(R"({"entries":[{"url":"s3://b/y"}]})");
  EXPECT_EQ(run_message(), "The specified S3 prefix 'y' does not exist");
  use_manifest(R"({"entries":[]})");
  EXPECT_NE(run_message(), "");
}

TEST_F(Manifest, Missing) {
  put("x", "1,x\n");
  statement.manifest = true;
  statement.from = "s3://b/none";
  EXPECT_EQ(without_ids(run_message()),
            "Problem reading manifest file - S3ServiceException:The specified key does not exist.,"
            "Status 404,Error NoSuchKey");
}

TEST_F(Manifest, NotOfTheRightForm) {
  put("x", "1,x\n");
  const char* texts[] = {"",
                         "1,x\n",
                         "[]",
                         "{",
                         "{}",
                         R"({"entries":{}})",
                         R"({"entries":["s3://b/x"]})",
                         R"({"entries":[{"mandatory":true}]})",
                         R"({"entries":[{"url":5}]})",
                         R"({"entries":[{"url":"b/x"}]})",
                         R"({"entries":[{"url":"s3://b"}]})",
                         R"({"entries":[{"url":"s3://b/x","mandatory":"true"}]})",
                         R"({"entries":[{"url":"s3://b/x","meta":5}]})",
                         R"({"entries":[{"url":"s3://b/x","meta":{"content_length":-4}}]})",
                         R"({"entries":[{"url":"s3://b/x","meta":{"content_length":"4"}}]})"};
  for (const char* text : texts) {
    use_manifest(text);
    EXPECT_EQ(run_message(), "Manifest file is not in correct json format") << text;
  }
  use_manifest(std::string(200000, '['));
  EXPECT_EQ(run_message(), "Manifest file is not in correct json format");
}

TEST_F(Manifest, WithoutTheWordItIsData) {
  use_manifest(R"({"entries":[]})");
  statement.manifest = false;
  EXPECT_EQ(run_message(),
            "Load into table 't' failed.  Check 'stl_load_errors' system table for details.");
}

TEST_F(Manifest, ContentLengthIsOnlyCheckedOnDemand) {
  put("x", "1,x\n");
  use_manifest(R"({"entries":[{"url":"s3://b/x","meta":{"content_length":99}}]})");
  EXPECT_EQ(run_message(), "");
  context.readings.check_content_length = true;
  EXPECT_EQ(run_message(),
            "Error: HTTP response error code: 416 Message: InvalidRange The requested range is not "
            "satisfiable");
}

TEST_F(Credentials, WrongKeyId) {
  put("p/1", "1,x\n");
  statement.access_key_id = "AKIAOTHER";
  EXPECT_EQ(without_ids(run_message()),
            "S3ServiceException:The AWS Access Key Id you provided does not exist in our records.,"
            "Status 403,Error InvalidAccessKeyId");
  EXPECT_EQ(last.sqlstate, "XX000");
  EXPECT_NE(last.message.find(",CanRetry 1"), std::string::npos);
  EXPECT_NE(last.detail.find("context:   Listing bucket=b prefix=p/"), std::string::npos);
  EXPECT_NE(last.detail.find("code:      8001"), std::string::npos);
  EXPECT_TRUE(outcome.errors.empty());
}

TEST_F(Credentials, WrongSecretIsNeverShown) {
  put("p/1", "1,x\n");
  statement.secret_access_key = "not-the-secret";
  EXPECT_EQ(without_ids(run_message()),
            "S3ServiceException:The request signature we calculated does not match the signature "
            "you provided. Check your key and signing method.,Status 403,Error "
            "SignatureDoesNotMatch");
  EXPECT_EQ(last.message.find("not-the-secret"), std::string::npos);
  EXPECT_EQ(last.detail.find("not-the-secret"), std::string::npos);
}

TEST_F(Credentials, TemporaryKeys) {
  put("p/1", "1,x\n");
  keys.key.session_token = "token";
  EXPECT_NE(run_message().find("Error InvalidAccessKeyId"), std::string::npos);
  statement.session_token = "other";
  EXPECT_EQ(without_ids(run_message()),
            "S3ServiceException:The provided token is malformed or otherwise invalid.,Status 400,"
            "Error InvalidToken");
  statement.session_token = "token";
  EXPECT_EQ(run_message(), "");
}

TEST_F(Credentials, ATokenForALongLivedKey) {
  put("p/1", "1,x\n");
  statement.session_token = "token";
  EXPECT_NE(run_message().find("Error InvalidToken"), std::string::npos);
}

TEST_F(Credentials, InAManifestLoad) {
  use_manifest("{}");
  statement.secret_access_key = "x";
  EXPECT_EQ(run_message().find("Problem reading manifest file - S3ServiceException:"), 0U);
}

TEST_F(Credentials, None) {
  statement.access_key_id = "";
  EXPECT_EQ(run_message(),
            "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
            "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'");
}

TEST_F(Credentials, RolesAreRefused) {
  statement.iam_role = "arn:aws:iam::123456789012:role/load";
  context.account = "444455556666";
  context.warehouse = "analytics";
  EXPECT_EQ(run_message(),
            "User arn:aws:redshift:eu-west-1:444455556666:dbuser:analytics/loader is not "
            "authorized to assume IAM Role arn:aws:iam::123456789012:role/load");
  EXPECT_EQ(last.sqlstate, "XX000");
}

TEST_F(Credentials, AnotherRegion) {
  put("p/1", "1,x\n");
  statement.region = "eu-west-1";
  EXPECT_EQ(run_message(), "");
  statement.region = "us-east-1";
  EXPECT_EQ(without_ids(run_message()),
            "S3ServiceException:The bucket you are attempting to access must be addressed using "
            "the specified endpoint. Please send all future requests to this endpoint.,Status 301,"
            "Error PermanentRedirect");
}

TEST_F(CopyFaults, CountsEveryObject) {
  context.faults = &fault;
  put("p/1", "1,x\n");
  put("p/2", "2,x\n");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(fault.calls["copy.object"], 2U);
}

TEST_F(CopyFaults, MissingMandatoryObject) {
  context.faults = &fault;
  fault.key = "x";
  fault.action.missing = true;
  put("x", "1,x\n");
  use_manifest(R"({"entries":[{"url":"s3://b/x","mandatory":true}]})");
  EXPECT_EQ(run_message(), "Mandatory url is not present in manifest file.");
}

TEST_F(CopyFaults, MissingObjectOfAPrefix) {
  context.faults = &fault;
  fault.key = "p/1";
  fault.action.missing = true;
  put("p/1", "1,x\n");
  EXPECT_EQ(without_ids(run_message()),
            "S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey");
  EXPECT_NE(last.detail.find("context:   S3 key being read : s3://b/p/1"), std::string::npos);
}

TEST_F(CopyFaults, HalfAnObject) {
  context.faults = &fault;
  fault.key = "p/1";
  fault.action.half = true;
  put("p/1", "1,x\n2,y\n");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(sink.rows, "1\tx\n");
}

TEST_F(CopyFaults, HalfAManifest) {
  context.faults = &fault;
  fault.key = "m.json";
  fault.action.half = true;
  put("x", "1,x\n");
  use_manifest(R"({"entries":[{"url":"s3://b/x","mandatory":true}]})");
  EXPECT_EQ(run_message(), "Manifest file is not in correct json format");
}

TEST_F(CopyFaults, AnErrorByName) {
  context.faults = &fault;
  fault.key = "p/1";
  fault.action.error = "Disk Full";
  put("p/1", "1,x\n");
  EXPECT_EQ(run_message(), "Disk Full");
  EXPECT_EQ(last.sqlstate, "XX000");
}

TEST_F(CopyFaults, AStatusOfS3) {
  context.faults = &fault;
  fault.key = "p/1";
  fault.action.status = 403;
  fault.action.code = "AccessDenied";
  put("p/1", "1,x\n");
  EXPECT_NE(run_message().find("Status 403,Error AccessDenied"), std::string::npos);
}

TEST_F(CopyFaults, ADelayEndsWhenTheStatementIsCancelled) {
  std::stop_source source;
  source.request_stop();
  context.faults = &fault;
  context.stop = source.get_token();
  fault.key = "p/1";
  fault.action.delay_ms = 3600000;
  put("p/1", "1,x\n");
  EXPECT_EQ(run_message(), "Query (42) cancelled on user's request");
  EXPECT_EQ(last.sqlstate, "57014");
}

TEST_F(Result, NoticesAndCounts) {
  put("p/1", "1,x\nbad,y\n2,z\n");
  statement.max_error_rows = 10;
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 2);
  EXPECT_EQ(outcome.rows_skipped, 1);
  ASSERT_EQ(outcome.notices.size(), 2U);
  EXPECT_EQ(outcome.notices[0], "Load into table 't' completed, 2 record(s) loaded successfully.");
  EXPECT_EQ(outcome.notices[1],
            "Load into table 't' completed, 1 record(s) could not be loaded.  Check "
            "'stl_load_errors' system table for details.");
}

TEST_F(Result, NoLoadLoadsNothing) {
  put("p/1", "1,x\n");
  statement.no_load = true;
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 0);
  EXPECT_EQ(sink.rows, "");
}

TEST_F(Result, ServerlessNamesItsOwnView) {
  put("p/1", "bad,y\n");
  context.serverless = true;
  EXPECT_EQ(run_message(),
            "Load into table 't' failed.  Check 'sys_load_error_detail' system table for details.");
}

TEST_F(Result, OneRefusedRow) {
  columns = read_columns("id integer, name varchar(3), n numeric(10,2)");
  put("p/1", "1,abc,1.5\n2,abcd,2.5\n");
  EXPECT_NE(run_message(), "");
  ASSERT_EQ(outcome.errors.size(), 1U);
  const LoadError& error = outcome.errors[0];
  EXPECT_EQ(error.filename, "s3://b/p/1");
  EXPECT_EQ(error.line_number, 2);
  EXPECT_EQ(error.column_name, "name");
  EXPECT_EQ(error.type, "varchar");
  EXPECT_EQ(error.column_length, "3");
  EXPECT_EQ(error.position, 2);
  EXPECT_EQ(error.raw_line, "2,abcd,2.5");
  EXPECT_EQ(error.raw_field_value, "abcd");
  EXPECT_EQ(error.error_code, 1204);
  EXPECT_EQ(error.error_reason, "String length exceeds DDL length");
}

TEST_F(Result, KeptTextsAreCutAndValid) {
  put("p/1", "1," + std::string(5000, '\xff') + "\0\n");
  EXPECT_NE(run_message(), "");
  ASSERT_EQ(outcome.errors.size(), 1U);
  EXPECT_EQ(outcome.errors[0].raw_line, "1," + std::string(1022, '?'));
  EXPECT_EQ(outcome.errors[0].raw_field_value.size(), 1024U);
}

TEST_F(Result, AHundredErrorsAreKeptAllAreCounted) {
  std::string body;
  for (int i = 0; i < 500; ++i) body += "x,y\n";
  put("p/1", body);
  statement.max_error_rows = 1000;
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_skipped, 500);
  EXPECT_EQ(outcome.errors.size(), 100U);
}

TEST_F(Result, MaxErrorCountsOverAllFiles) {
  put("p/1", "x,y\n");
  put("p/2", "x,y\n");
  statement.max_error_rows = 2;
  EXPECT_NE(run_message(), "");
  EXPECT_EQ(outcome.errors.size(), 2U);
}

TEST_F(Result, TheSinksErrorEndsTheLoad) {
  put("p/1", "1,x\n");
  sink.failure = SqlError{.sqlstate = "53100", .message = "disk full"};
  EXPECT_EQ(run_message(), "disk full");
  EXPECT_EQ(last.sqlstate, "53100");
}

TEST_F(Result, LargeLoadsGoInBatches) {
  std::string body;
  for (int i = 0; i < 100000; ++i) body += std::to_string(i) + ",some text here\n";
  put("p/1", body);
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 100000);
  EXPECT_LT(sink.largest_write, size_t{512} << 10);
  EXPECT_EQ(std::count(sink.rows.begin(), sink.rows.end(), '\n'), 100000);
}

TEST_F(Result, RowsUpToFourMegabytes) {
  columns = read_columns("a varchar(65535), b super");
  const std::string item(65000, 'x');
  std::string row = "k,\"[";
  for (int i = 0; i < 60; ++i) row += (i == 0 ? "\"\"" : ",\"\"") + item + "\"\"";
  row += "]\"\n";
  put("p/1", row + row);
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 2);
  put("p/1", row.substr(0, row.size() - 3) + ",\"\"" + std::string(300000, 'y') + "\"\"]\"\nk,1\n");
  statement.max_error_rows = 5;
  EXPECT_EQ(run_message(), "");
  ASSERT_EQ(outcome.errors.size(), 1U);
  EXPECT_EQ(outcome.errors[0].error_code, 1216);
  EXPECT_EQ(sink.rows, "k\t1\n");
}

TEST_F(Result, SuperLimits) {
  columns = read_columns("s super");
  statement.csv_quote = "%";
  statement.delimiter = "|";
  statement.max_error_rows = 9;
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']') + "\n";
  };
  put("p/1", nested(1000) + nested(1001) + "\"" + std::string(65535, 'x') + "\"\n\"" +
                 std::string(65536, 'x') + "\"\n\"" + std::string(65534, 'x') + "\\u00e9\"\n");
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 2);
  ASSERT_EQ(outcome.errors.size(), 3U);
  EXPECT_EQ(outcome.errors[0].error_reason, "Nesting depth exceeds the maximum of 1000 levels");
  EXPECT_EQ(outcome.errors[1].error_reason, "String value exceeds the max size of 65535 bytes");
  EXPECT_EQ(outcome.errors[2].error_reason, "String value exceeds the max size of 65535 bytes");
  EXPECT_EQ(outcome.errors[1].error_code, 1224);
}

}  // namespace
}  // namespace vesto::sandbox
