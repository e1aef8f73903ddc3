#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "address/arn.h"
#include "address/aws_partition.h"
#include "address/warehouse_endpoint_parts.h"
#include "address/warehouse_host.h"
#include "base/strings.h"

namespace vesto::endpoint_text {

namespace {

bool suffix_fits(std::string_view suffix, std::string_view region) {
  const AwsPartition& partition = partition_of_region(region);
  return suffix == partition.dns_suffix || suffix == partition.dual_stack_suffix;
}

// "NAME-endpoint-k7rfausgmlzieup51zgg": what Redshift calls its managed VPC endpoints.
bool is_vpc_endpoint_label(std::string_view label) {
  constexpr std::string_view kMark = "-endpoint-";
  const size_t mark = label.rfind(kMark);
  if (mark == std::string_view::npos || mark == 0) return false;
  const std::string_view random = label.substr(mark + kMark.size());
  return random.size() >= 16 && random.find('-') == std::string_view::npos &&
         random.find_first_of("0123456789") != std::string_view::npos;
}

struct Service {
  std::string_view label;
  std::string_view name;
};
constexpr std::array<Service, 14> kServices = {{{"rds", "Amazon RDS or Aurora"},
                                                {"s3", "Amazon S3"},
                                                {"sts", "AWS STS"},
                                                {"iam", "AWS IAM"},
                                                {"docdb", "Amazon DocumentDB"},
                                                {"neptune", "Amazon Neptune"},
                                                {"dynamodb", "Amazon DynamoDB"},
                                                {"athena", "Amazon Athena"},
                                                {"glue", "AWS Glue"},
                                                {"es", "Amazon OpenSearch"},
                                                {"aoss", "Amazon OpenSearch"},
                                                {"cache", "Amazon ElastiCache"},
                                                {"kafka", "Amazon MSK"},
                                                {"dms", "AWS DMS"}}};

constexpr const char* kFormHint =
    "A cluster's host is CLUSTER.RANDOM.REGION.redshift.amazonaws.com, a workgroup's "
    "WORKGROUP.ACCOUNT.REGION.redshift-serverless.amazonaws.com.";

bool is_redshift_label(std::string_view label) {
  return label == "redshift" || label == "redshift-serverless";
}

using Labels = std::vector<std::string>;

// Where the region stands; a warehouse's own name may look like one, so the usual places come
// first.
std::optional<size_t> region_of(const Labels& labels, size_t redshift) {
  if (redshift > 0 && is_region_name(labels[redshift - 1])) return redshift - 1;
  if (redshift + 1 < labels.size() && is_region_name(labels[redshift + 1])) return redshift + 1;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (is_region_name(labels[i])) return i;
  }
  return std::nullopt;
}

// `labels` without the suffix of AWS, which is `suffix`.
Error own_but_wrong(const Labels& labels, size_t redshift, std::string_view suffix) {
  const bool serverless = labels[redshift] == "redshift-serverless";
  const std::optional<size_t> region_at = region_of(labels, redshift);
  if (!region_at) {
    return refuse("the host names no AWS region before " + labels[redshift], kFormHint);
  }
  const std::string& region = labels[*region_at];
  if (*region_at + 1 != redshift) {
    return refuse("the region " + region + " stands in the wrong place of the host", kFormHint);
  }
  if (redshift + 1 != labels.size()) {
    return refuse("the host has a part too many behind " + labels[redshift], kFormHint);
  }
  if (!suffix_fits(suffix, region)) {
    return refuse("hosts in " + region + " do not end in " + std::string(suffix), kFormHint);
  }
  if (redshift < 3) {
    return refuse(std::string("the host lacks ") + (serverless ? "the workgroup or the account"
                                                               : "the cluster or its random part"),
                  kFormHint);
  }
  if (redshift > 3) return refuse("the host has a part too many before its region", kFormHint);
  return refuse("the account in the host has not 12 digits", kFormHint);
}

// A host under one of AWS's names that is no warehouse.
Error foreign(const Labels& labels, std::string_view suffix) {
  for (const std::string& label : labels) {
    std::string plain = label.substr(0, label.find("-fips"));
    if (plain == "redshift-data" ||
        (is_redshift_label(plain) && &label == &labels.front() && labels.size() <= 2)) {
      return refuse("the host is that of Redshift's API (" + plain + "), not of a warehouse",
                    kFormHint);
    }
  }
  const auto redshift = std::find_if(labels.begin(), labels.end(), is_redshift_label);
  if (redshift != labels.end()) {
    return own_but_wrong(labels, static_cast<size_t>(redshift - labels.begin()), suffix);
  }
  for (const Service& service : kServices) {
    const bool found = std::any_of(labels.begin(), labels.end(), [&](const std::string& label) {
      return label == service.label || (service.label == "s3" && label.starts_with("s3-"));
    });
    if (!found) continue;
    return refuse(
        "the host is one of " + std::string(service.name) + ", not of a Redshift warehouse",
        kFormHint);
  }
  return refuse("the host is one of another AWS service, not of a Redshift warehouse", kFormHint);
}

Status derive_private_link(const Labels& labels, Pasted* pasted) {
  const bool own_service = std::any_of(labels.begin(), labels.end(), [](const std::string& label) {
    return label.starts_with("vpce-svc-");
  });
  if (!own_service) {
    return refuse("the host is a VPC endpoint of an API of AWS, not of a warehouse",
                  "A warehouse is reached by a Redshift-managed VPC endpoint or by an endpoint "
                  "service of its own (vpce-svc-...).");
  }
  pasted->out.vpc_endpoint = true;
  for (const std::string& label : labels) {
    // An id of digits alone has the form of a region.
    if (!label.starts_with("vpce-") && is_region_name(label)) pasted->out.region = label;
  }
  return ok_status();
}

// Ends like a name of Redshift's that was cut or misspelt.
bool looks_cut(const Labels& labels) {
  if (labels.size() < 4 || !is_redshift_label(labels[3]) || !is_region_name(labels[2]))
    return false;
  return labels.size() == 4 || labels[4].starts_with("ama") || labels[4] == "api";
}

}  // namespace

bool is_name_label(const std::string& label) {
  return !label.empty() && label.size() <= 63 && !label.starts_with('-') && !label.ends_with('-') &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

namespace {

// What the host says wins over what was written beside it.
void put(const std::string& told, std::string* said, std::string_view what, Pasted* pasted) {
  if (told.empty()) return;
  if (!said->empty() && *said != told) {
    note(pasted, "Another " + std::string(what) + " stood beside the host: the host's is taken.");
  }
  *said = told;
}

// The last part of the name behind `word`: "workgroups/NAME", "cluster-details?cluster=NAME".
std::string behind(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::string_view rest = text.substr(at + word.size());
    const std::string name =
        to_lower_ascii(percent_decoded(rest.substr(0, rest.find_first_of("&?#/;"))));
    const bool begins =
        at > 0 && std::string_view("?&#/;").find(text[at - 1]) != std::string_view::npos;
    if (begins && is_name_label(name)) return name;
  }
  return {};
}

}  // namespace

OwnHost own_redshift_host(std::string_view host) {
  const WarehouseHost own = parse_warehouse_host(host);
  if (!own.known()) return {};
  // Whose account stands in a VPC endpoint's name is not documented.
  const bool vpc_endpoint = is_vpc_endpoint_label(own.warehouse);
  return {.kind = own.serverless ? WarehouseKind::kServerless : WarehouseKind::kProvisioned,
          .warehouse = vpc_endpoint ? "" : own.warehouse,
          .region = own.region,
          .account = vpc_endpoint ? "" : own.account,
          .vpc_endpoint = vpc_endpoint};
}

Result<std::string> normal_host(std::string_view host) {
  std::string out = to_lower_ascii(host);
  const bool brackets = out.size() > 2 && out.front() == '[' && out.back() == ']';
  if (brackets) out = out.substr(1, out.size() - 2);
  in6_addr address{};
  if (brackets || out.find(':') != std::string::npos) {
    if (inet_pton(AF_INET6, out.c_str(), &address) == 1) return out;
    return refuse("the host is no IPv6 address");
  }
  if (out.ends_with('.')) out.pop_back();
  if (out.empty()) return refuse("the host is missing");
  if (out.find(',') != std::string::npos) return refuse("it names more than one host");
  const Labels labels = split(out, '.');
  if (out.size() > 253 || !std::all_of(labels.begin(), labels.end(), is_name_label)) {
    return refuse("the host holds a sign that no host name has, or an empty or too long part");
  }
  if (out.find_first_not_of("0123456789.") == std::string::npos &&
      inet_pton(AF_INET, out.c_str(), &address) != 1) {
    return refuse("the host is no IPv4 address");
  }
  return out;
}

Status derive_from_host(Pasted* pasted) {
  WarehouseEndpoint& out = pasted->out;
  const OwnHost own = own_redshift_host(out.host);
  if (own.kind != WarehouseKind::kUnknown) {
    if (out.kind != WarehouseKind::kUnknown && out.kind != own.kind) {
      note(pasted, "Another kind of warehouse was named beside the host: the host's is taken.");
      out.name.clear();
    }
    out.kind = own.kind;
    out.vpc_endpoint = own.vpc_endpoint;
    put(own.region, &out.region, "region", pasted);
    put(own.account, &out.account, "account", pasted);
    put(own.warehouse, &out.name, "cluster or workgroup", pasted);
    return ok_status();
  }
  const Labels labels = split(out.host, '.');
  const std::string_view suffix = aws_suffix_of(out.host);
  if (suffix.empty() && looks_cut(labels)) {
    return refuse("the end of the host is cut off or misspelt", kFormHint);
  }
  if (out.host.ends_with(".aws.amazon.com")) {
    return refuse("it is a page of AWS's web site, not a warehouse", kFormHint);
  }
  if (suffix.empty()) return ok_status();
  const Labels rest = split(out.host.substr(0, out.host.size() - suffix.size() - 1), '.');
  const auto has = [&](std::string_view label) {
    return std::find(rest.begin(), rest.end(), label) != rest.end();
  };
  if (has("vpce")) return derive_private_link(rest, pasted);
  // A load balancer or a machine that hands connections on.
  if (has("elb") || has("compute") || has("compute-1")) return ok_status();
  return foreign(rest, suffix);
}

bool is_console_host(std::string_view host) {
  const std::string lower = to_lower_ascii(host);
  for (const std::string_view known :
       {"console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com",
        "console.amazonaws.eu", "console.amazonaws-eusc.eu"}) {
    if (lower == known || lower.ends_with("." + std::string(known))) return true;
  }
  return false;
}

Status read_console(std::string_view host, std::string_view rest, Pasted* pasted) {
  const std::string_view path = rest.substr(0, rest.find_first_of("?#"));
  if (!path.starts_with("/redshift") && !path.starts_with("/sqlworkbench")) {
    return refuse("it is a page of the AWS console, but none of Redshift's",
                  "Open the cluster or workgroup there, and copy its endpoint.");
  }
  WarehouseEndpoint& out = pasted->out;
  for (const std::string& label : split(to_lower_ascii(host), '.')) {
    if (is_region_name(label)) out.region = label;
    // A console with several sessions: ACCOUNT-RANDOM.REGION.console...
    if (label.find('-') == 12 && is_account_id(label.substr(0, 12)))
      out.account = label.substr(0, 12);
  }
  if (const std::string region = behind(rest, "region="); is_region_name(region))
    out.region = region;
  for (const std::string_view word : {"cluster=", "clusterIdentifier=", "clusters/", "cluster/"}) {
    if (const std::string name = behind(rest, word); !name.empty() && out.name.empty()) {
      take_setting("cluster", name, pasted);
    }
  }
  for (const std::string_view word :
       {"workgroup=", "workgroupName=", "workgroups/", "workgroup/"}) {
    if (const std::string name = behind(rest, word); !name.empty() && out.name.empty()) {
      take_setting("workgroup", name, pasted);
    }
  }
  if (out.kind == WarehouseKind::kUnknown && rest.find("serverless") != std::string_view::npos) {
    out.kind = WarehouseKind::kServerless;
  }
  note(pasted, "A page of the AWS console does not hold the host.");
  return ok_status();
}

// arn:PARTITION:redshift:REGION:ACCOUNT:cluster:NAME,
// arn:PARTITION:redshift-serverless:REGION:ACCOUNT:workgroup/UUID
Status read_arn(std::string_view text, Pasted* pasted) {
  const std::optional<Arn> arn = parse_arn(text);
  if (!arn) return refuse("it is an ARN that lacks a part, or has one that no ARN has");
  if (!is_redshift_label(arn->service)) {
    return refuse("it is an ARN, but none of a cluster or workgroup",
                  "ARNs of roles go into auth.role_arn.");
  }
  WarehouseEndpoint& out = pasted->out;
  if (!is_region_name(arn->region) || arn->account.empty()) {
    return refuse("it is an ARN without a region or an account of 12 digits");
  }
  if (partition_of_region(arn->region).name != arn->partition) {
    return refuse("the partition of the ARN does not have the region " + arn->region);
  }
  out.region = arn->region;
  out.account = arn->account;
  note(pasted, "An ARN does not hold the host.");
  if (arn->service == "redshift-serverless") {
    // Its last part is an id: AWS asks for the name.
    out.kind = WarehouseKind::kServerless;
    return ok_status();
  }
  out.kind = WarehouseKind::kProvisioned;
  const size_t colon = arn->resource.find(':');
  const std::string type = arn->resource.substr(0, colon);
  if (type == "namespace" || colon == std::string::npos) return ok_status();
  const std::string rest = arn->resource.substr(colon + 1);
  const size_t slash = rest.find('/');
  const std::string name = to_lower_ascii(rest.substr(0, slash));
  if (is_name_label(name)) out.name = name;
  if (type == "dbname" && slash != std::string::npos && rest.substr(slash + 1) != "*") {
    pasted->database = rest.substr(slash + 1);
  }
  return ok_status();
}

}  // namespace vesto::endpoint_text
