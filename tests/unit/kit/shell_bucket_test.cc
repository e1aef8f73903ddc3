// What the kit's script for the bucket does to one that is there, and to its lifecycle rules.
#include "tests/unit/kit/told.h"

namespace vesto {
namespace {

TEST(KitShell, ABucketThatIsThereStaysAsItIs) {
  DestinationConfig to = destination_from(kProvisioned);
  const std::string bucket = text(make_kit(to, full_facts()), "bucket");
  const Told there = run(bucket, "*get-bucket-lifecycle*) echo 1 0 0 0 ;;\n");
  EXPECT_TRUE(there.well) << there.said;
  EXPECT_EQ(there.calls.find("s3api put-"), std::string::npos) << there.calls;
  EXPECT_NE(there.said.find("ObjectOwnership=BucketOwnerEnforced"), std::string::npos);
  EXPECT_NE(there.said.find("BlockPublicAcls=true"), std::string::npos);
  const Told fitting = run(bucket,
                           "*get-bucket-ownership*) echo BucketOwnerEnforced ;;\n"
                           "*get-public*) printf 'True\\tTrue\\tTrue\\tTrue\\n' ;;\n"
                           "*get-bucket-lifecycle*) printf '1\\t1\\t1\\t1\\n' ;;\n");
  EXPECT_EQ(fitting.said, "");
  // Files of somebody below the prefix: a rule would delete them.
  const std::string guarded =
      "*get-bucket-ownership*) echo BucketOwnerEnforced ;;\n"
      "*get-public*) printf 'True\\tTrue\\tTrue\\tTrue\\n' ;;\n"
      "*get-bucket-lifecycle*) echo NoSuchLifecycleConfiguration; return 254 ;;\n";
  const auto lies = [&](const std::string& words) {
    return run(bucket, guarded + "*list-object-versions*) printf '" + words + "\\n' ;;\n");
  };
  // A file, an old version of one, or more than was looked at.
  const std::string ours =
      "vesto/abcdefghij012345/0a1b2c3d/run_01J7XABCDEFGHJKMNPQRSTVWXY/0001/00001.csv.gz";
  for (const std::string& words :
       {std::string("False\\tvesto/theirs"), "False\\t" + ours + "\\tvesto/theirs",
        "True\\t" + ours, std::string("False\\tFalse"), "False\\t" + ours + ".old"}) {
    const Told held = lies(words);
    EXPECT_FALSE(called(held, "s3api put-bucket-lifecycle-configuration")) << words << held.calls;
    EXPECT_NE(held.said.find("add this rule"), std::string::npos) << held.said;
  }
  // Nothing, or what Vesto's own tests have left.
  for (const std::string& words : {std::string("False"), "False\\t" + ours}) {
    const Told empty = lies(words);
    EXPECT_TRUE(called(empty, "s3api put-bucket-lifecycle-configuration")) << words << empty.said;
  }
  const std::string none = std::string(kNothingThere) +
                           "*get-bucket-lifecycle*json) echo '[]' ;;\n"
                           "*get-bucket-lifecycle*) echo 0 0 0 0 ;;\n";
  const Told made = run(bucket, none);
  for (const char* call : {"create-bucket", "put-bucket-ownership-controls",
                           "put-public-access-block", "put-bucket-lifecycle-configuration"}) {
    EXPECT_TRUE(called(made, std::string("s3api ") + call)) << call << made.said;
  }
  // Whatever else head-bucket says, nothing is made: us-east-1 makes a bucket that is there again.
  const Told denied = run(bucket, "*head-bucket*) echo '(403)'; return 254 ;;\n");
  EXPECT_FALSE(denied.well);
  EXPECT_EQ(denied.calls, "aws sts get-caller-identity\naws s3api head-bucket\n");
  to.prefix = "";
  const std::string whole = text(make_kit(to, full_facts()), "bucket");
  EXPECT_FALSE(called(run(whole, "*get-bucket-lifecycle*) echo 0 0 0 0 ;;\n"),
                      "s3api put-bucket-lifecycle-configuration"));
  EXPECT_TRUE(called(run(whole, none), "s3api put-bucket-lifecycle-configuration"));
}

// A rule of our name that does not do its work: how many rules there are, of our name, right ones,
// and for our prefix. `held`: whether files lie below it.
TEST(KitShell, ALifecycleRuleOfOurName) {
  DestinationConfig to = destination_from(kProvisioned);
  const auto script = [&] { return part_shell(to, full_facts(), "lifecycle"); };
  const auto answers = [](const std::string& counted, bool held) {
    return "*get-bucket-lifecycle*length*) echo " + counted +
           " ;;\n*get-bucket-lifecycle*' | [0] '*) echo '{\"ID\": \"vesto-acme\"}' ;;\n"
           "*get-bucket-lifecycle*json) echo '[{\"ID\": \"logs\"}]' ;;\n"
           "*get-bucket-lifecycle*Transition*) echo varies_by_storage_class ;;\n"
           "*put-bucket-lifecycle*) echo \"$*\" >&2 ;;\n"
           "*list-object-versions*) printf 'False" +
           (held ? "\\tvesto/file" : "") + "\\n' ;;\n";
  };
  const auto with = [&](const std::string& counted, bool held) {
    return run(script(), answers(counted, held));
  };
  const auto puts = [](const Told& told) {
    return called(told, "s3api put-bucket-lifecycle-configuration");
  };
  const auto expect_put = [&](const Told& told, const char* about) {
    EXPECT_TRUE(puts(told) && told.well) << about << told.said;
    // Beside the rules of others, whose sizes stay as they are.
    const std::string ours = "\"DaysAfterInitiation\": 1}},";
    EXPECT_NE(told.said.find(ours + "{\"ID\": \"logs\"}]}"), std::string::npos) << told.said;
    EXPECT_NE(told.said.find("minimum-object-size varies_by_storage_class"), std::string::npos)
        << told.said;
  };
  const std::string was = "is replaced, and was:\n{\"ID\": \"vesto-acme\"}";
  const Told replaced = with("1 1 0 1", false);
  expect_put(replaced, "");
  EXPECT_NE(replaced.said.find(was), std::string::npos) << replaced.said;
  // Those of other destinations are not counted, and stay.
  expect_put(with("0 0 0 0", false), "");
  // Files of somebody, another prefix, whose files we do not know; and rules of others.
  for (const auto& [counted, held, told_of] :
       {std::tuple("1 1 0 1", true, "does not do its work, and stays"),
        std::tuple("2 1 0 1", false, "does not do its work, and stays"),
        std::tuple("1 1 0 0", false, "is for another prefix, and stays"),
        std::tuple("1 1 0 0", true, "is for another prefix, and stays"),
        std::tuple("11 1 0 0", true, "is for another prefix, and stays"),
        std::tuple("3 0 0 0", false, "add this rule to those that stand")}) {
    const Told told = with(counted, held);
    EXPECT_TRUE(!puts(told) && told.well) << counted;
    EXPECT_NE(told.said.find(told_of), std::string::npos) << told.said;
    EXPECT_NE(told.said.find("NEW_LIFECYCLE=yes"), std::string::npos) << told.said;
    EXPECT_NE(told.said.find("\"Days\": 3"), std::string::npos) << told.said;
    EXPECT_EQ(told.said.find("\"Rules\""), std::string::npos) << told.said;  // it would be all
    const Told asked = run("NEW_LIFECYCLE=yes\n" + script(), answers(counted, held));
    expect_put(asked, counted);
    EXPECT_EQ(asked.said.find(was) != std::string::npos, std::string(counted) != "3 0 0 0");
  }
  for (const char* counted : {"1 1 1 1", "5 1 1 1"}) {
    const Told right = with(counted, true);
    EXPECT_TRUE(!puts(right) && right.said.empty()) << right.said;
  }
  to.prefix = "";
  EXPECT_FALSE(puts(with("1 1 0 1", false)));
  EXPECT_FALSE(puts(run("NEW_LIFECYCLE=yes\n" + script(), answers("3 0 0 0", false))));
}

TEST(KitShell, LifecycleRulesThatCannotBeReadAreNotReplaced) {
  const DestinationConfig to = destination_from(kProvisioned);
  const Told told = run(part_shell(to, full_facts(), "lifecycle"),
                        "*get-bucket-lifecycle*) echo AccessDenied; return 254 ;;\n"
                        "*list-object-versions*) echo False ;;\n");
  EXPECT_FALSE(told.well);
  EXPECT_FALSE(called(told, "s3api put-bucket-lifecycle-configuration")) << told.said;
  EXPECT_NE(told.said.find("could not be read"), std::string::npos) << told.said;
}

TEST(KitShell, ASlipInABucketsNameMakesNoSecondBucket) {
  const DestinationConfig to = destination_from(kProvisioned);
  const std::string script = text(make_kit(to, full_facts()), "bucket");
  const auto among = [&](const std::string& script_text, const std::string& names) {
    return run(script_text, "*list-buckets*) printf '%s\\n' " + names + " ;;\n" + kNothingThere);
  };
  const std::string near = to.bucket + "s";
  const Told stopped = among(script, "logs " + near);
  EXPECT_FALSE(stopped.well || called(stopped, "s3api create-bucket")) << stopped.calls;
  EXPECT_NE(stopped.said.find("typo in staging.bucket? There are:\n" + near + "\nCorrect it"),
            std::string::npos)
      << stopped.said;
  EXPECT_TRUE(called(among(script, "logs"), "s3api create-bucket"));
  const std::string meant = replace_all(script, "#!/bin/sh\n", "#!/bin/sh\nNEW_BUCKET=yes\n");
  EXPECT_TRUE(called(among(meant, near), "s3api create-bucket"));
}

}  // namespace
}  // namespace vesto
