#include "redshift/errors.h"

#include <gtest/gtest.h>

#include <set>

namespace vesto {
namespace {

PgError answer(const std::string& sqlstate, const std::string& message,
               const std::string& detail = "") {
  PgError out;
  out.sqlstate = sqlstate;
  out.message = message;
  out.detail = detail;
  return out;
}

struct Case {
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string_view code;
  AfterFault fault;
};

// Texts as other people recorded them from real warehouses.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"XX000", "1023", "Serializable isolation violation on table - 141349 (pid:7005)",
       "RS-SERIALIZABLE", AfterFault::kRepeat},
      {"XX000", "1023", "", "RS-SERIALIZABLE", AfterFault::kRepeat},
      {"XX000", "1018", "Relation does not exist.", "RS-SERIALIZABLE", AfterFault::kRepeat},
      {"40P01", "deadlock detected", "", "RS-SERIALIZABLE", AfterFault::kRepeat},
      {"XX000", "could not complete because of conflict with concurrent transaction", "",
       "RS-SERIALIZABLE", AfterFault::kRepeat},
      {"XX000", "could not open relation with OID 141349", "", "RS-SERIALIZABLE",
       AfterFault::kRepeat},
      {"XX000", "[Data Sharing] Error Code 34510: Concurrent DDL committed on t", "",
       "RS-SERIALIZABLE", AfterFault::kRepeat},
      {"57P01", "terminating connection due to administrator command", "", "RS-CONNECTION",
       AfterFault::kRepeat},
      {"57014", "Query (150) canceled on user's request", "", "RS-TIMEOUT",
       AfterFault::kLeaveGroup},
      {"XX000", "Query (150) cancelled on user's request", "", "RS-TIMEOUT",
       AfterFault::kLeaveGroup},
      {"XX000", "Load into table 't' failed.  Check 'stl_load_errors' system table for details.",
       "", "RS-COPY-DATA", AfterFault::kLeaveGroup},
      {"XX000",
       "Load into table 't' failed.  Check 'sys_load_error_detail' system table for details.", "",
       "RS-COPY-DATA", AfterFault::kLeaveGroup},
      {"22001", "value too long for character type", "", "RS-COPY-DATA", AfterFault::kLeaveGroup},
      {"XX000", "Cannot insert a NULL value into column id", "", "RS-COPY-DATA",
       AfterFault::kLeaveGroup},
      {"XX000", "Cannot COPY into nonexistent table test", "", "RS-TABLE-DIFFERS",
       AfterFault::kLeaveGroup},
      {"42P01", "relation \"x\" does not exist", "", "RS-TABLE-DIFFERS", AfterFault::kLeaveGroup},
      {"XX000", "found unexpected dependency for column", "", "RS-KEY-COLUMN",
       AfterFault::kLeaveGroup},
      {"0A000", "cannot drop sortkey column \"x\"", "", "RS-KEY-COLUMN", AfterFault::kLeaveGroup},
      {"0A000", "cannot drop distkey column \"x\"", "", "RS-KEY-COLUMN", AfterFault::kLeaveGroup},
      {"2BP01", "cannot drop column x because other objects depend on it", "", "RS-VIEW-DEP",
       AfterFault::kLeaveGroup},
      {"XX000", "cannot alter type of a column used by a view or rule", "", "RS-VIEW-DEP",
       AfterFault::kLeaveGroup},
      {"42501", "must be owner of relation t", "", "RS-OWNER", AfterFault::kLeaveGroup},
      {"42501", "permission denied for relation t", "", "RS-PRIV", AfterFault::kLeaveGroup},
      {"42501", "permission denied to create temporary tables in database \"dev\"", "",
       "RS-PRIV-TEMP", AfterFault::kStop},
      {"42501", "permission denied for database dev", "", "RS-PRIV-CREATE", AfterFault::kStop},
      {"42501", "permission denied for schema s", "", "RS-PRIV-SCHEMA", AfterFault::kStop},
      {"XX000", "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid X", "",
       "RS-COPY-S3-403", AfterFault::kStop},
      {"XX000",
       "S3ServiceException:The AWS Access Key Id you provided does not exist in our "
       "records.,Status 403,Error InvalidAccessKeyId,Rid X",
       "", "RS-COPY-S3-403", AfterFault::kStop},
      {"XX000",
       "Problem reading manifest file - S3ServiceException:The provided token has "
       "expired.,Status 400,Error ExpiredToken,Rid X",
       "", "RS-COPY-EXPIRED", AfterFault::kLeaveGroup},
      {"XX000", "S3ServiceException:The provided token has expired.", "", "RS-COPY-EXPIRED",
       AfterFault::kLeaveGroup},
      {"XX000", "S3ServiceException:The provided token is malformed or otherwise invalid", "",
       "RS-COPY-S3-403", AfterFault::kStop},
      {"XX000",
       "Problem reading manifest file - S3ServiceException:The specified key does not "
       "exist.,Status 404,Error NoSuchKey",
       "", "RS-COPY-MISSING", AfterFault::kLeaveGroup},
      {"XX000", "Mandatory url is not present in manifest file.", "", "RS-COPY-MISSING",
       AfterFault::kLeaveGroup},
      {"XX000",
       "S3ServiceException:The bucket you are attempting to access must be addressed "
       "using the specified endpoint.,Status 301,Error PermanentRedirect",
       "", "S3-REGION", AfterFault::kStop},
      {"XX000", "Disk Full", "", "RS-DISK-FULL", AfterFault::kStop},
      {"XX000", "Cannot execute write query because system is in resize mode", "", "RS-RESIZE",
       AfterFault::kRepeat},
      {"28000", "password authentication failed for user \"x\"", "", "RS-LOGIN-PASSWORD",
       AfterFault::kStop},
      {"42704", "user \"jorhett\" does not exist", "", "RS-USER-MISSING", AfterFault::kStop},
      {"3D000", "database \"x\" does not exist", "", "RS-DB-MISSING", AfterFault::kStop},
      {"42601", "syntax error at or near \",\" in context \"x\", at line 1", "", "RS-SQL",
       AfterFault::kLeaveGroup},
      {"XX000", "10230 rows", "", "RS-SQL", AfterFault::kLeaveGroup},
  };
  return all;
}

// What COPY says of IAM_ROLE: each text has advice of its own.
TEST(RedshiftErrors, ARoleThatCopyMayNotUseIsToldWhatItLacks) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"User arn:aws:redshift:eu-west-1:123456789012:dbuser:shop/etl is not authorized to assume "
       "IAM Role arn:aws:iam::123456789012:role/copy",
       "Attach the role of copy_role_arn"},
      {"exception name : UnauthorizedException, error type : 135, message: Not authorized to get "
       "credentials of role arn:aws:iam::123456789012:role/copy, should retry : 0",
       "redshift-serverless.amazonaws.com"},
      {"User etl does not have ASSUMEROLE permission on IAM role "
       "\"arn:aws:iam::123456789012:role/copy\" for COPY",
       "GRANT ASSUMEROLE ON"},
      {"S3ServiceException:The provided token is malformed or otherwise invalid", "session token"},
  };
  std::set<std::string> hints;
  for (const auto& [text, part] : texts) {
    const Error error = redshift_error(answer("XX000", text, ""), "COPY t");
    EXPECT_EQ(error.name(), "RS-COPY-S3-403") << text;
    EXPECT_NE(error.hint().find(part), std::string::npos) << error.hint();
    EXPECT_EQ(error.hint().find("s3:GetObject"), std::string::npos) << error.hint();
    hints.insert(error.hint());
  }
  EXPECT_EQ(hints.size(), texts.size());
}

TEST(RedshiftErrors, EveryAnswerHasItsCodeAndConsequence) {
  for (const Case& c : cases()) {
    const Error error = redshift_error(answer(c.sqlstate, c.message, c.detail), "COPY t");
    EXPECT_EQ(error.name(), c.code) << c.message;
    EXPECT_EQ(after_fault(error), c.fault) << c.message;
    EXPECT_EQ(error.upstream().code, c.sqlstate);
    EXPECT_NE(error.upstream().text.find(c.message), std::string::npos);
  }
}

TEST(RedshiftErrors, WhatIsNoAnswerIsALostConnection) {
  PgError lost;
  lost.kind = PgError::Kind::kLost;
  lost.message = "server closed the connection unexpectedly";
  EXPECT_EQ(redshift_error(lost, "COMMIT").name(), "RS-CONNECTION");
  lost.kind = PgError::Kind::kTimeout;
  EXPECT_EQ(redshift_error(lost, "COMMIT").name(), "RS-TIMEOUT");
  const Error silent = redshift_login_error(lost, "connecting");
  EXPECT_EQ(silent.name(), "NET-TIMEOUT");
  // The probe found the way open: no inbound rule is to be added.
  EXPECT_EQ(silent.hint(), kSilentServerHint);
  lost.kind = PgError::Kind::kTlsOff;
  EXPECT_EQ(redshift_login_error(lost, "connecting").name(), "RS-TLS-OFF");
  EXPECT_EQ(after_fault(redshift_login_error(lost, "connecting")), AfterFault::kStop);
}

TEST(RedshiftErrors, ALogSaysWhatIsWaitedFor) {
  const Error full =
      redshift_login_error(answer("53300", "too many connections", ""), "connecting");
  EXPECT_EQ(after_fault(full), AfterFault::kRepeat);
  EXPECT_NE(waits_for(full).find("no more connections; waiting for other sessions"),
            std::string_view::npos);
  const Error limit =
      redshift_login_error(answer("XX000", "Connection limit \"500\" exceeded", ""), "connecting");
  EXPECT_EQ(waits_for(limit), waits_for(full));
  const Error cut =
      redshift_login_error(answer("57P01", "terminating connection", ""), "connecting");
  EXPECT_EQ(waits_for(cut), catalog_entry(ErrorCode::kRsConnection).title);
  EXPECT_EQ(waits_for(Error(ErrorCode::kRsSerializable, "53300")),
            catalog_entry(ErrorCode::kRsSerializable).title);
}

TEST(RedshiftErrors, ALoginThatLibpqCannotProveNamesTheStatementToRun) {
  PgError digest;
  digest.kind = PgError::Kind::kLoginMethod;
  digest.message = "authentication method 13 not supported";
  const Error plain = redshift_login_error(digest, "connecting to h:5439/dev as etl");
  EXPECT_EQ(plain.name(), "RS-LOGIN-DIGEST");
  EXPECT_EQ(after_fault(plain), AfterFault::kStop);
  EXPECT_NE(plain.message().find("h:5439/dev as etl"), std::string::npos);
  EXPECT_NE(plain.hint().find("iam_role"), std::string::npos);
  const Error named = redshift_login_error(digest, "connecting", R"(o'b"x)");
  EXPECT_NE(named.hint().find(R"(ALTER USER "o'b""x" PASSWORD 'md5)"), std::string::npos);
  EXPECT_NE(named.hint().find(R"("$P" 'o'\''b"x' | md5sum)"), std::string::npos) << named.hint();
}

TEST(RedshiftErrors, HoldNoSecret) {
  const Secret secret("wJalrXUtnFEMI");
  const Error error =
      redshift_error(answer("42601", "syntax error near wJalrXUtnFEMI", "wJalrXUtnFEMI"), "COPY");
  EXPECT_EQ(error.to_string().find("wJalr"), std::string::npos);
  EXPECT_EQ(error.upstream().text.find("wJalr"), std::string::npos);
}

TEST(RedshiftErrors, ShowTheContextOfADetailBlockAndKeepTheWhole) {
  const Error error = redshift_error(
      answer("XX000", "failed to inflate",
             "\n  -------\n  error:  failed to inflate\n  code:      9001\n  context:   S3 key "
             "being read : s3://b/k\n  query:     42\n  -------\n"),
      "COPY t");
  EXPECT_EQ(error.message(), "COPY t: failed to inflate; S3 key being read : s3://b/k");
  EXPECT_NE(error.upstream().text.find("9001"), std::string::npos);
  const Error plain = redshift_error(answer("XX000", "1023", "violation on table - 7"), "UPDATE t");
  EXPECT_EQ(plain.message(), "UPDATE t: 1023; violation on table - 7");
}

TEST(RedshiftErrors, KnowWhatIsAlreadyDone) {
  EXPECT_TRUE(already_there(redshift_error(answer("42P07", "Relation \"x\" already exists"), "")));
  EXPECT_TRUE(already_there(redshift_error(answer("42701", "column exists"), "")));
  EXPECT_FALSE(already_there(redshift_error(answer("42501", "no"), "")));
  EXPECT_TRUE(same_size(redshift_error(
      answer("0A000", "cannot alter column \"c\", target column size should be different"), "")));
  EXPECT_FALSE(same_size(redshift_error(answer("0A000", "no"), "")));
}

}  // namespace
}  // namespace vesto
