// Clusters of Redshift: made, shown, changed, deleted.
#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/aws/redshift_service.h"
#include "sandbox/aws/warehouse_parameters.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxRoles = 50;
constexpr size_t kMaxGroups = 5;
constexpr int64_t kMaxNodes = 128;
constexpr std::array<std::string_view, 8> kNodeTypes = {"ra3.large",    "ra3.xlplus", "ra3.4xlarge",
                                                        "ra3.16xlarge", "rg.xlarge",  "rg.4xlarge",
                                                        "dc2.large",    "dc2.8xlarge"};

bool is_identifier(const std::string& id) {
  constexpr size_t kLongest = 63;
  return !id.empty() && id.size() <= kLongest && id.front() >= 'a' && id.front() <= 'z' &&
         id.back() != '-' && id.find("--") == std::string::npos &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

ApiResult<std::string> new_identifier(const ApiCall& call) {
  VESTO_ASSIGN(std::string id, required_text(call, "ClusterIdentifier"));
  if (is_identifier(id)) return id;
  return invalid_parameter(
      call,
      "The parameter ClusterIdentifier is not a valid identifier. Identifiers must begin with a "
      "letter; must contain only lowercase ASCII letters, digits, and hyphens; and must not end "
      "with a hyphen or contain two consecutive hyphens.");
}

// ClusterType, NodeType, NumberOfNodes. Without a type a cluster has several nodes.
ApiResult<Unit> take_nodes(const ApiCall& call, WorldCluster* cluster) {
  VESTO_ASSIGN(cluster->node_type, required_text(call, "NodeType"));
  if (std::find(kNodeTypes.begin(), kNodeTypes.end(), cluster->node_type) == kNodeTypes.end()) {
    return invalid_parameter(call, "Invalid node type: " + cluster->node_type);
  }
  const std::string type = call.has("ClusterType") ? call.parameter("ClusterType") : "multi-node";
  if (type != "single-node" && type != "multi-node") {
    return invalid_parameter(call, "Invalid cluster type: " + type);
  }
  VESTO_ASSIGN(const std::optional<int64_t> nodes, number_parameter(call, "NumberOfNodes"));
  const bool single = type == "single-node";
  cluster->nodes = nodes.value_or(1);
  if (single ? cluster->nodes == 1 : cluster->nodes >= 2 && cluster->nodes <= kMaxNodes) {
    return Unit{};
  }
  return IamError{400, "InvalidParameterCombination",
                  single ? "Number of nodes for cluster type single-node must be 1."
                         : "Number of nodes for cluster type multi-node must be greater than or "
                           "equal to 2."};
}

// MasterUsername, and MasterUserPassword or ManageMasterPassword. `password` is "" if AWS is to
// make it.
ApiResult<Unit> take_master(const ApiCall& call, WorldCluster* cluster, std::string* password) {
  VESTO_ASSIGN(cluster->life.admin_user, required_text(call, "MasterUsername"));
  if (!is_user_name(cluster->life.admin_user)) {
    return invalid_parameter(
        call, "The parameter MasterUsername is not a valid user name: " + cluster->life.admin_user);
  }
  VESTO_ASSIGN(const bool managed, flag_parameter(call, "ManageMasterPassword", false));
  *password = call.parameter("MasterUserPassword");
  if (managed == call.has("MasterUserPassword")) {
    return IamError{400, "InvalidParameterCombination",
                    managed ? "MasterUserPassword must not be given with ManageMasterPassword."
                            : "One of MasterUserPassword and ManageMasterPassword is required."};
  }
  return managed ? ApiResult<Unit>(Unit{})
                 : check_admin_password(call, "MasterUserPassword", *password);
}

ApiResult<Unit> check_default_role(const ApiCall& call, const WorldCluster& cluster) {
  const auto& roles = cluster.copy_roles;
  if (cluster.default_role.empty() ||
      std::find(roles.begin(), roles.end(), cluster.default_role) != roles.end()) {
    return Unit{};
  }
  return invalid_parameter(call, "The default IAM role " + cluster.default_role +
                                     " is not associated with the cluster.");
}

WorldCluster* find_in(World& world, const WorldCluster& like) {
  return const_cast<WorldCluster*>(world.cluster(like.id, like.region, like.account));
}

}  // namespace

ApiResult<ApiAnswer> RedshiftService::create_cluster(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  WorldCluster cluster;
  VESTO_ASSIGN(cluster.id, new_identifier(call));
  cluster.account = call.key->principal.account;
  cluster.region = call.region;
  VESTO_TRY(allow(call, "redshift:CreateCluster", redshift_arn(call, "cluster", cluster.id), {}));
  VESTO_TRY(take_nodes(call, &cluster));
  std::string password;
  VESTO_TRY(take_master(call, &cluster, &password));
  const std::string database = call.has("DBName") ? call.parameter("DBName") : "dev";
  if (!is_database_name(database)) {
    return invalid_parameter(call, "The database name is not valid: " + database);
  }
  cluster.databases = {to_lower_ascii(database)};
  VESTO_TRY(port_parameter(call, "Port"));
  VESTO_TRY(flag_parameter(call, "Encrypted", true));
  VESTO_ASSIGN(cluster.enhanced_vpc_routing, flag_parameter(call, "EnhancedVpcRouting", false));
  VESTO_ASSIGN(cluster.life.publicly_accessible, flag_parameter(call, "PubliclyAccessible", false));
  VESTO_ASSIGN(const std::vector<std::string> groups,
               list_parameter(call, "VpcSecurityGroupIds", "VpcSecurityGroupId", kMaxGroups));
  VESTO_TRY(check_groups(call, groups));
  VESTO_ASSIGN(cluster.copy_roles, list_parameter(call, "IamRoles", "IamRoleArn", kMaxRoles));
  VESTO_TRY(check_roles(call, cluster.copy_roles));
  cluster.default_role = call.parameter("DefaultIamRoleArn");
  VESTO_TRY(check_default_role(call, cluster));
  if (iam_.cluster(cluster.id, cluster.region, cluster.account)) {
    return IamError{400, "ClusterAlreadyExists", "Cluster already exists"};
  }
  if (password.empty()) {
    VESTO_ASSIGN(cluster.life.secret_arn,
                 secrets_.make(call, "redshift!" + cluster.id + "-" + cluster.life.admin_user,
                               to_lower_ascii(cluster.life.admin_user)));
    password = secrets_.password_of(cluster.life.secret_arn);
  }
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    if (world.cluster(cluster.id, cluster.region, cluster.account) != nullptr) {
      return IamError{400, "ClusterAlreadyExists", "Cluster already exists"};
    }
    if (world.clusters.size() >= kMaxOfWorld) {
      return IamError{400, "ClusterQuotaExceeded", "The cluster quota is exceeded."};
    }
    cluster.life.created_ms = call.now_ms;
    cluster.life.ready_ms = call.now_ms + world.creating_ms;
    return WorldChange([cluster](World& changed) { changed.clusters.push_back(cluster); });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  VESTO_TRY(
      open(call, name_of(cluster), cluster.life, groups, password, cluster.databases.front()));
  return show_cluster(call, cluster.id);
}

ApiResult<WorldCluster> RedshiftService::cluster_of(const ApiCall& call) const {
  VESTO_ASSIGN(const std::string id, required_text(call, "ClusterIdentifier"));
  VESTO_TRY(allow(call, "redshift:" + call.operation, redshift_arn(call, "cluster", id), {}));
  auto found = iam_.cluster(id, call.region, call.key->principal.account);
  if (!found) return cluster_not_found(id);
  return *std::move(found);
}

ApiResult<WorldCluster> RedshiftService::idle_cluster_of(const ApiCall& call,
                                                         std::string_view what) const {
  VESTO_ASSIGN(WorldCluster cluster, cluster_of(call));
  if (state_of(name_of(cluster), cluster.life).status == "available") return cluster;
  return IamError{400, "InvalidClusterState",
                  "There is an operation running on the Cluster. Please try to " +
                      std::string(what) + " it at a later time."};
}

ApiResult<ApiAnswer> RedshiftService::modify_cluster(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  VESTO_ASSIGN(WorldCluster cluster, idle_cluster_of(call, "modify"));
  const WarehouseName name = name_of(cluster);
  VESTO_ASSIGN(std::vector<std::string> groups,
               list_parameter(call, "VpcSecurityGroupIds", "VpcSecurityGroupId", kMaxGroups));
  VESTO_TRY(check_groups(call, groups));
  if (groups.empty()) groups = groups_.ids_of(name);
  VESTO_ASSIGN(cluster.life.publicly_accessible,
               flag_parameter(call, "PubliclyAccessible", cluster.life.publicly_accessible));
  VESTO_ASSIGN(cluster.enhanced_vpc_routing,
               flag_parameter(call, "EnhancedVpcRouting", cluster.enhanced_vpc_routing));
  if (call.has("MasterUserPassword")) {
    const std::string password = call.parameter("MasterUserPassword");
    if (!cluster.life.secret_arn.empty()) {
      return IamError{400, "InvalidParameterCombination",
                      "MasterUserPassword can't be changed: it is managed in AWS Secrets Manager."};
    }
    VESTO_TRY(check_admin_password(call, "MasterUserPassword", password));
    VESTO_TRY(set_admin(call, name, cluster.life.admin_user, password, ""));
  }
  const auto prepare = [&](const World&) -> Result<WorldChange, IamError> {
    return WorldChange([cluster](World& changed) {
      WorldCluster* found = find_in(changed, cluster);
      if (found == nullptr) return;
      found->life.publicly_accessible = cluster.life.publicly_accessible;
      found->enhanced_vpc_routing = cluster.enhanced_vpc_routing;
    });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  groups_.attach(name, std::move(groups), cluster.life.publicly_accessible);
  return show_cluster(call, cluster.id);
}

ApiResult<Unit> RedshiftService::change_roles(const ApiCall& call, WorldCluster* cluster) const {
  VESTO_ASSIGN(const std::vector<std::string> added,
               list_parameter(call, "AddIamRoles", "IamRoleArn", kMaxRoles));
  VESTO_ASSIGN(const std::vector<std::string> removed,
               list_parameter(call, "RemoveIamRoles", "IamRoleArn", kMaxRoles));
  VESTO_TRY(check_roles(call, added));
  std::vector<std::string>& roles = cluster->copy_roles;
  for (const std::string& role : removed) {
    std::erase(roles, role);
    if (cluster->default_role == role) cluster->default_role.clear();
  }
  for (const std::string& role : added) {
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) roles.push_back(role);
  }
  if (roles.size() > kMaxRoles) {
    return invalid_parameter(call, "A cluster has at most 50 IAM roles.");
  }
  if (call.has("DefaultIamRoleArn")) cluster->default_role = call.parameter("DefaultIamRoleArn");
  return check_default_role(call, *cluster);
}

ApiResult<ApiAnswer> RedshiftService::modify_cluster_roles(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  VESTO_ASSIGN(WorldCluster cluster, idle_cluster_of(call, "modify"));
  VESTO_TRY(change_roles(call, &cluster));
  const auto prepare = [&](const World&) -> Result<WorldChange, IamError> {
    return WorldChange([cluster](World& changed) {
      WorldCluster* found = find_in(changed, cluster);
      if (found == nullptr) return;
      found->copy_roles = cluster.copy_roles;
      found->default_role = cluster.default_role;
    });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  return show_cluster(call, cluster.id);
}

ApiResult<ApiAnswer> RedshiftService::delete_cluster(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  VESTO_ASSIGN(const bool no_snapshot, flag_parameter(call, "SkipFinalClusterSnapshot", false));
  VESTO_ASSIGN(const WorldCluster cluster, idle_cluster_of(call, "delete"));
  // Snapshots are none of the sandbox's matter; that one of the two must be said is.
  if (no_snapshot == call.has("FinalClusterSnapshotIdentifier")) {
    return IamError{400, "InvalidParameterCombination",
                    no_snapshot ? "FinalClusterSnapshotIdentifier must not be specified when "
                                  "SkipFinalClusterSnapshot is true."
                                : "FinalClusterSnapshotIdentifier is required unless "
                                  "SkipFinalClusterSnapshot is specified."};
  }
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    const int64_t gone_ms = call.now_ms + std::max<int64_t>(world.creating_ms, 1);
    return WorldChange([cluster, gone_ms](World& changed) {
      if (WorldCluster* found = find_in(changed, cluster)) found->life.gone_ms = gone_ms;
    });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  if (name_of(cluster) == address_.served->get()) address_.state->be_deleting();
  secrets_.forget(cluster.life.secret_arn);
  return show_cluster(call, cluster.id);
}

void RedshiftService::write_cluster(const WorldCluster& cluster, XmlWriter& xml) const {
  const WarehouseName name = name_of(cluster);
  const WarehouseState::View state = state_of(name, cluster.life);
  xml.text("ClusterIdentifier", cluster.id)
      .text("NodeType", cluster.node_type)
      .text("ClusterStatus", state.status)
      .text("ClusterAvailabilityStatus", state.availability)
      .text("DBName", cluster.databases.empty() ? "dev" : cluster.databases.front())
      .text("VpcId", SecurityGroups::vpc_of(cluster.account, cluster.region))
      .number("NumberOfNodes", cluster.nodes)
      .text("PubliclyAccessible", cluster.life.publicly_accessible ? "true" : "false")
      .text("Encrypted", "true")
      .text("EnhancedVpcRouting", cluster.enhanced_vpc_routing ? "true" : "false");
  if (!cluster.life.admin_user.empty()) xml.text("MasterUsername", cluster.life.admin_user);
  if (!cluster.life.secret_arn.empty()) {
    xml.text("MasterPasswordSecretArn", cluster.life.secret_arn);
  }
  if (!cluster.default_role.empty()) xml.text("DefaultIamRoleArn", cluster.default_role);
  // There is no endpoint before there is a warehouse.
  if (state.status != "creating" || cluster.life.created_ms == 0) {
    const WarehouseAddress address = address_of(name);
    xml.open("Endpoint").text("Address", address.host).number("Port", address.port).close();
    if (cluster.life.created_ms != 0) {
      xml.text("ClusterCreateTime", format_utc(cluster.life.created_ms));
    }
  }
  xml.open("VpcSecurityGroups");
  for (const std::string& id : groups_.ids_of(name)) {
    xml.open("VpcSecurityGroup").text("VpcSecurityGroupId", id).text("Status", "active").close();
  }
  xml.close().open("IamRoles");
  for (const std::string& role : cluster.copy_roles) {
    xml.open("ClusterIamRole").text("IamRoleArn", role).text("ApplyStatus", "in-sync").close();
  }
  xml.close();
}

ApiResult<ApiAnswer> RedshiftService::show_cluster(const ApiCall& call,
                                                   const std::string& id) const {
  const auto cluster = iam_.cluster(id, call.region, call.key->principal.account);
  if (!cluster) return cluster_not_found(id);
  XmlWriter xml = begin_result(call);
  xml.open("Cluster");
  write_cluster(*cluster, xml);
  xml.close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> RedshiftService::describe_clusters(const ApiCall& call) {
  constexpr int64_t kFewest = 20;
  constexpr int64_t kMost = 100;
  const std::string id = call.parameter("ClusterIdentifier");
  const std::string& account = call.key->principal.account;
  VESTO_TRY(allow(call, "redshift:DescribeClusters",
                  redshift_arn(call, "cluster", id.empty() ? "*" : id), {}));
  VESTO_ASSIGN(const std::optional<int64_t> records, number_parameter(call, "MaxRecords"));
  const int64_t most = records.value_or(kMost);
  if (most < kFewest || most > kMost) {
    return invalid_parameter(call, "Invalid value for MaxRecords: " + std::to_string(most) +
                                       ". It must be between 20 and 100.");
  }
  if (!id.empty() && !iam_.cluster(id, call.region, account)) return cluster_not_found(id);
  const std::string after = call.parameter("Marker");
  bool begun = after.empty();
  std::string last;
  int64_t shown = 0;
  bool more = false;
  XmlWriter xml = begin_result(call);
  xml.open("Clusters");
  for (const WorldCluster& cluster : iam_.world().clusters) {
    const bool wanted = cluster.account == account && cluster.region == call.region &&
                        (id.empty() || cluster.id == id);
    if (!wanted) continue;
    if (begun && shown == most) more = true;
    if (begun && shown < most) {
      xml.open("Cluster");
      write_cluster(cluster, xml);
      xml.close();
      ++shown;
      last = cluster.id;
    }
    begun = begun || cluster.id == after;
  }
  xml.close();
  if (more) xml.text("Marker", last);
  return end_result(call, &xml);
}

}  // namespace vesto::sandbox
