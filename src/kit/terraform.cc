// The AWS side in HCL, for the provider hashicorp/aws.
// Sources: documentation of the Terraform AWS provider (aws_s3_bucket and its kin, aws_iam_role,
// aws_iam_role_policy, aws_iam_user, aws_iam_access_key, aws_vpc_security_group_ingress_rule; data
// aws_caller_identity, aws_iam_role, aws_redshift_cluster, aws_redshiftserverless_workgroup).
#include <fmt/format.h>

#include "address/arn.h"
#include "address/cidr.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"

namespace vesto::kit {

namespace {

class Terraform {
 public:
  Terraform(const DestinationConfig& to, const KitFacts& facts, const Places& places)
      : to_(to), facts_(facts), places_(places) {}

  std::string text() {
    bucket();
    if (places_.actor == Actor::kRole) role();
    if (places_.actor == Actor::kOwn || places_.actor == Actor::kOwnUser) own_policy();
    if (to_.auth.identity == "access_key" && !places_.user_elsewhere) user();
    if (to_.auth.copy == "attached_role") copy_role();
    if (!to_.ssh.given) network();
    const std::string looked = look_ups();  // before the head: it fills placeholders in
    return head() + looked + body_;
  }

 private:
  [[nodiscard]] bool two_regions() const { return places_.region != places_.bucket_region; }

  [[nodiscard]] std::string head() const {
    std::string out =
        commented("# ", fmt::format("What Vesto needs in AWS for the destination {}.", to_.name));
    out +=
        "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n"
        "    }\n  }\n}\n";
    out +=
        fmt::format("\nprovider \"aws\" {{\n  region = {}\n}}\n", hcl_quote(places_.bucket_region));
    if (two_regions()) {
      out += fmt::format("\nprovider \"aws\" {{\n  alias  = \"warehouse\"\n  region = {}\n}}\n",
                         hcl_quote(places_.region));
    }
    return out;
  }

  void begin(std::string_view kind, std::string_view name) {
    body_ += fmt::format("\nresource \"{}\" \"{}\" {{\n", kind, name);
  }
  void set(std::string_view name, const std::string& expression) {
    body_ += fmt::format("  {} = {}\n", name, expression);
  }
  void set_json(std::string_view name, const std::string& json) {
    body_ += fmt::format("  {} = <<EOT\n{}\nEOT\n", name, hcl_heredoc_json(json));
  }
  void end() { body_ += "}\n"; }

  void bucket() {
    body_ +=
        "\n# A new bucket. One that is there already is either taken over, by this block "
        "(Terraform\n"
        "# 1.5 and later); what stands below then counts for all of it, in place of its own "
        "lifecycle\n"
        "# rules:\n";
    body_ += commented("# ", fmt::format("import {{\n  to = aws_s3_bucket.staging\n  id = {}\n}}",
                                         hcl_quote(to_.bucket)));
    body_ +=
        "# Or it stays as it is: delete the resources aws_s3_bucket... here. vesto destination "
        "test\n"
        "# then says which of its settings are unsafe.";
    begin("aws_s3_bucket", "staging");
    set("bucket", hcl_quote(to_.bucket));
    end();
    begin("aws_s3_bucket_ownership_controls", "staging");
    set("bucket", "aws_s3_bucket.staging.id");
    body_ += "  rule {\n    object_ownership = \"BucketOwnerEnforced\"\n  }\n";
    end();
    begin("aws_s3_bucket_public_access_block", "staging");
    set("bucket", "aws_s3_bucket.staging.id");
    for (const char* block : {"block_public_acls", "ignore_public_acls", "block_public_policy",
                              "restrict_public_buckets"}) {
      set(block, "true");
    }
    end();
    begin("aws_s3_bucket_lifecycle_configuration", "staging");
    set("bucket", "aws_s3_bucket.staging.id");
    body_ += fmt::format(
        "  rule {{\n    id     = {}\n    status = \"Enabled\"\n"
        "    filter {{\n      prefix = {}\n    }}\n"
        "    expiration {{\n      days = 3\n    }}\n"
        "    noncurrent_version_expiration {{\n      noncurrent_days = 1\n    }}\n"
        "    abort_incomplete_multipart_upload {{\n      days_after_initiation = 1\n    }}\n  }}\n",
        hcl_quote("vesto-" + to_.name), hcl_quote(to_.prefix));
    end();
  }

  // `session_s`: how long a session may be that Vesto asks for.
  void iam_role(const char* name, const std::string& role, const std::string& path,
                int64_t session_s, const std::string& trust, const std::string& policy_name,
                const std::string& policy) {
    begin("aws_iam_role", name);
    set("name", hcl_quote(role));
    if (path != "/") set("path", hcl_quote(path));
    if (session_s > kDefaultSessionS) set("max_session_duration", std::to_string(session_s));
    set_json("assume_role_policy", trust);
    end();
    begin("aws_iam_role_policy", name);
    set("name", hcl_quote(policy_name));
    set("role", fmt::format("aws_iam_role.{}.id", name));
    set_json("policy", policy);
    end();
    body_ +=
        fmt::format("\noutput \"{0}_role_arn\" {{\n  value = aws_iam_role.{0}.arn\n}}\n", name);
  }

  void role() {
    iam_role("vesto", places_.role, places_.role_path, to_.auth.session_duration_s,
             trust_policy_for(to_, facts_), places_.policy, permission_policy_for(to_, facts_));
  }

  // What Vesto runs as stands already.
  void own_policy() {
    const bool user = places_.actor == Actor::kOwnUser;
    begin(user ? "aws_iam_user_policy" : "aws_iam_role_policy", "vesto");
    set("name", hcl_quote(places_.policy));
    set(user ? "user" : "role", hcl_quote(user ? places_.user : places_.role));
    set_json("policy", permission_policy_for(to_, facts_));
    end();
  }

  void user() {
    begin("aws_iam_user", "key");
    set("name", hcl_quote(places_.user));
    end();
    begin("aws_iam_user_policy", "key");
    set("name", hcl_quote(places_.policy));
    set("user", "aws_iam_user.key.name");
    set_json("policy", key_policy_for(to_, facts_));
    end();
    body_ += "\n# The secret then stands in Terraform's state.";
    begin("aws_iam_access_key", "key");
    set("user", "aws_iam_user.key.name");
    end();
    body_ +=
        "\noutput \"access_key_id\" {\n  value = aws_iam_access_key.key.id\n}\n"
        "\noutput \"secret_access_key\" {\n  value     = aws_iam_access_key.key.secret\n"
        "  sensitive = true\n}\n";
  }

  void copy_role() {
    body_ += fmt::format(
        "\n# To be attached to the warehouse, which turns redshift.copy green:\n"
        "# vesto destination kit {} --part copy-role shows how.",
        to_.name);
    iam_role("copy", places_.copy_role, places_.copy_role_path, 0, copy_trust_for(to_),
             places_.copy_policy, copy_policy_for(to_, facts_));
  }

  void network() {
    if (to_.endpoint.vpc_endpoint && facts_.security_group.empty()) {
      body_ += "\n" + commented("# ", fmt::format("No inbound rule stands here: it is one of the "
                                                  "security group of the VPC endpoint that "
                                                  "the endpoint's name leads to, not of the "
                                                  "warehouse's. vesto destination kit {} --part "
                                                  "network puts it.",
                                                  to_.name));
      return;
    }
    if (facts_.public_egress.empty()) return;
    ask_for_network();
    const std::string group = or_placeholder(facts_.security_group, "SECURITY_GROUP");
    for (size_t i = 0; i < facts_.public_egress.size(); ++i) {
      const std::string& address = facts_.public_egress[i];
      const bool six = address.find(':') != std::string::npos;
      if (const std::string wide = too_wide(address); !wide.empty()) {
        body_ += "\n" + commented("# ", fmt::format("Warning: {} is {}.", address, wide));
        body_.pop_back();  // begin() ends the line
      }
      begin("aws_vpc_security_group_ingress_rule", fmt::format("vesto_{}", i + 1));
      set("count", "var.open_network ? 1 : 0");
      warehouse_provider();
      set("security_group_id", hcl_quote(group));
      set(six ? "cidr_ipv6" : "cidr_ipv4", hcl_quote(with_bits(address)));
      set("ip_protocol", "\"tcp\"");
      set("from_port", std::to_string(to_.port));
      set("to_port", std::to_string(to_.port));
      end();
    }
  }

  // Others may share the group; and the part "network" puts the same rules.
  void ask_for_network() {
    const std::string about = fmt::format(
        "The way in is opened only where you say so, by open_network = true in "
        "terraform.tfvars: an\n"
        "inbound rule for each address, in the warehouse's first security group, which others may\n"
        "share. For another group put its id in the place of security_group_id.\n"
        "Where vesto destination kit {} --part network has put them, leave it false: AWS takes no\n"
        "rule twice (InvalidPermission.Duplicate). Or take each over, by a block like this one\n"
        "(Terraform 1.5 and later) with the rule's id, which this tells:\n"
        "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP\n"
        "import {{\n  to = aws_vpc_security_group_ingress_rule.vesto_1[0]\n  id = \"sgr-...\"\n}}",
        to_.name);
    body_ += "\n" + commented("# ", about);
    body_ += "variable \"open_network\" {\n  type    = bool\n  default = false\n}\n";
  }

  void warehouse_provider() {
    if (two_regions()) set("provider", "aws.warehouse");
  }

  void fill(std::string_view name, std::string_view expression) {
    body_ = replace_all(body_, placeholder(name), fmt::format("${{{}}}", expression));
  }

  // What AWS can tell is asked of it; the body then names it.
  std::string look_ups() {
    std::string out;
    const auto needs = [&](std::string_view name) {
      return body_.find(placeholder(name)) != std::string::npos;
    };
    if (needs("ACCOUNT_ID")) {
      out += "\ndata \"aws_caller_identity\" \"vesto\" {}\n";
      fill("ACCOUNT_ID", "data.aws_caller_identity.vesto.account_id");
    }
    // That of another account's role it cannot be asked for.
    if (needs("PRINCIPAL_PATH") && !places_.own_elsewhere) {
      out += fmt::format("\ndata \"aws_iam_role\" \"asks\" {{\n  name = {}\n}}\n",
                         hcl_quote(role_name_of_arn(places_.principal_arn)));
      fill("PRINCIPAL_PATH", "data.aws_iam_role.asks.path");
    }
    if (!needs("WORKGROUP_ID") && !needs("SECURITY_GROUP")) return out;
    if (places_.warehouse == placeholder("WAREHOUSE")) return out;
    const bool serverless = to_.serverless;
    out += fmt::format("\ndata \"{}\" \"vesto\" {{\n",
                       serverless ? "aws_redshiftserverless_workgroup" : "aws_redshift_cluster");
    if (two_regions()) out += "  provider = aws.warehouse\n";
    // A cluster is asked for its group alone.
    if (!serverless) out += "  count = var.open_network ? 1 : 0\n";
    out += fmt::format("  {} = {}\n}}\n", serverless ? "workgroup_name" : "cluster_identifier",
                       hcl_quote(places_.warehouse));
    fill("WORKGROUP_ID", "data.aws_redshiftserverless_workgroup.vesto.workgroup_id");
    fill("SECURITY_GROUP",
         serverless ? "tolist(data.aws_redshiftserverless_workgroup.vesto.security_group_ids)[0]"
                    : "tolist(data.aws_redshift_cluster.vesto[0].vpc_security_group_ids)[0]");
    return out;
  }

  const DestinationConfig& to_;
  const KitFacts& facts_;
  const Places& places_;
  std::string body_;
};

}  // namespace

std::string terraform_text(const DestinationConfig& destination, const KitFacts& facts,
                           const Places& places) {
  return Terraform(destination, facts, places).text();
}

}  // namespace vesto::kit
