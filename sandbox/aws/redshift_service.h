// The APIs of Redshift and Redshift Serverless, as far as a set-up and programs that log in use
// them: GetClusterCredentials, GetClusterCredentialsWithIAM, GetCredentials; clusters, namespaces
// and workgroups with their reads, writes and deletes.
//
// A warehouse that is made is "creating" for the world's creating_ms of the sandbox's clock, and
// "deleting" as long. The listener becomes the first one, where the world says so
// (served_warehouse.h).
// Sources: Amazon Redshift API reference (2012-12-01), Redshift Serverless API reference
// (2021-04-21), service authorization reference of both.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_REDSHIFT_SERVICE_H_
#define VESTO_SANDBOX_AWS_REDSHIFT_SERVICE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "sandbox/aws/admin_secrets.h"
#include "sandbox/aws/api_answers.h"
#include "sandbox/aws/api_call.h"
#include "sandbox/aws/security_groups.h"
#include "sandbox/aws/temporary_logins.h"
#include "sandbox/control/warehouse_state.h"

namespace vesto::sandbox {

// Makes the admin of the served warehouse, and the database if it is not there. False: it failed.
using MakeAdmin = std::function<bool(const std::string& user, const std::string& password,
                                     const std::string& database)>;

// The one warehouse that the sandbox's listener stands for, and where it is reached. The others of
// the world can be described and give out passwords, but nobody listens at their addresses. What it
// points to outlives the service.
struct WarehouseAddress {
  std::string host;
  int port = 0;
  ServedWarehouse* served = nullptr;
  WarehouseState* state = nullptr;
  MakeAdmin make_admin = {};  // none: no admin is made
};

class RedshiftService {
 public:
  // All of it must outlive this object.
  RedshiftService(Iam& iam, TemporaryLogins& logins, SecurityGroups& groups, AdminSecrets& secrets,
                  WarehouseAddress address, Clock& clock)
      : iam_(iam),
        logins_(logins),
        groups_(groups),
        secrets_(secrets),
        address_(std::move(address)),
        clock_(clock) {}

  ApiResult<ApiAnswer> serve(const ApiCall& call);

 private:
  using Operation = ApiResult<ApiAnswer> (RedshiftService::*)(const ApiCall&);
  struct Entry {
    bool serverless;
    std::string_view name;
    Operation run;
    // Its parameters, with blanks between; "Tags." stands for all that begin so.
    std::string_view parameters;
  };
  static const std::vector<Entry>& entries();

  // redshift_service.cc: logins, and what all share
  ApiResult<ApiAnswer> cluster_credentials(const ApiCall& call);
  ApiResult<ApiAnswer> cluster_credentials_with_iam(const ApiCall& call);
  ApiResult<ApiAnswer> workgroup_credentials(const ApiCall& call);
  // Nothing said: allowed.
  ApiResult<Unit> allow(const ApiCall& call, std::string_view action, const std::string& resource,
                        const RequestContext& context) const;
  // A cluster, or a workgroup by the name that these calls know it by.
  ApiResult<WarehouseName> find_cluster(const ApiCall& call, const std::string& id) const;
  [[nodiscard]] WarehouseAddress address_of(const WarehouseName& warehouse) const;
  [[nodiscard]] WarehouseState::View state_of(const WarehouseName& warehouse,
                                              const WarehouseLife& life) const;
  // Adds the password, and remembers the whole.
  TemporaryLogin give_out(TemporaryLogin login);
  // Those whose deletion is done are gone.
  void sweep(int64_t now_ms);
  // A warehouse stands in the world: its groups, and the listener if it is that one.
  ApiResult<Unit> open(const ApiCall& call, const WarehouseName& warehouse,
                       const WarehouseLife& life, const std::vector<std::string>& groups,
                       const std::string& password, const std::string& database);
  // The served one's admin has this password from now on.
  ApiResult<Unit> set_admin(const ApiCall& call, const WarehouseName& warehouse,
                            const std::string& user, const std::string& password,
                            const std::string& database);
  // Attached roles are there, and the caller may pass them on.
  ApiResult<Unit> check_roles(const ApiCall& call, const std::vector<std::string>& roles) const;
  ApiResult<Unit> check_groups(const ApiCall& call, const std::vector<std::string>& ids) const;

  // clusters.cc
  ApiResult<ApiAnswer> create_cluster(const ApiCall& call);
  ApiResult<ApiAnswer> describe_clusters(const ApiCall& call);
  ApiResult<ApiAnswer> modify_cluster(const ApiCall& call);
  ApiResult<ApiAnswer> modify_cluster_roles(const ApiCall& call);
  ApiResult<ApiAnswer> delete_cluster(const ApiCall& call);
  // The cluster that the call names; the operation's right included.
  ApiResult<WorldCluster> cluster_of(const ApiCall& call) const;
  // The same of one that is available. `what`: "modify".
  ApiResult<WorldCluster> idle_cluster_of(const ApiCall& call, std::string_view what) const;
  ApiResult<ApiAnswer> show_cluster(const ApiCall& call, const std::string& id) const;
  void write_cluster(const WorldCluster& cluster, XmlWriter& xml) const;
  // Roles after the call's changes.
  ApiResult<Unit> change_roles(const ApiCall& call, WorldCluster* cluster) const;

  // serverless.cc: namespaces
  ApiResult<ApiAnswer> create_namespace(const ApiCall& call);
  ApiResult<ApiAnswer> get_namespace(const ApiCall& call);
  ApiResult<ApiAnswer> update_namespace(const ApiCall& call);
  ApiResult<ApiAnswer> delete_namespace(const ApiCall& call);
  ApiResult<WorldNamespace> namespace_of(const ApiCall& call) const;
  // The roles and the default one as the call gives them.
  ApiResult<Unit> take_roles(const ApiCall& call, WorldNamespace* space) const;
  // Its admin and password as the call gives them.
  ApiResult<Unit> take_admin(const ApiCall& call, WorldNamespace* space);
  // The workgroup of a namespace, if there is one.
  [[nodiscard]] std::optional<WorldWorkgroup> workgroup_in(const WorldNamespace& space) const;

  // workgroups.cc
  ApiResult<ApiAnswer> create_workgroup(const ApiCall& call);
  ApiResult<ApiAnswer> get_workgroup(const ApiCall& call);
  ApiResult<ApiAnswer> list_workgroups(const ApiCall& call);
  ApiResult<ApiAnswer> update_workgroup(const ApiCall& call);
  ApiResult<ApiAnswer> delete_workgroup(const ApiCall& call);
  // The workgroup that the call names. Serverless looks for it first and judges then.
  ApiResult<WorldWorkgroup> find_workgroup(const ApiCall& call) const;
  ApiResult<Unit> allow_workgroup(const ApiCall& call, const WorldWorkgroup& group) const;
  [[nodiscard]] nlohmann::json workgroup_json(const WorldWorkgroup& group) const;

  Iam& iam_;
  TemporaryLogins& logins_;
  SecurityGroups& groups_;
  AdminSecrets& secrets_;
  const WarehouseAddress address_;
  Clock& clock_;
  // Held by every call that changes a warehouse: what it read is still so when it writes.
  Mutex changing_;
};

// arn:aws:redshift-serverless:REGION:ACCOUNT:workgroup/UUID.
std::string workgroup_arn(const WorldWorkgroup& workgroup);
// arn:aws:redshift:REGION:ACCOUNT:KIND:NAME, of the caller's account and the call's region.
std::string redshift_arn(const ApiCall& call, std::string_view kind, const std::string& name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_REDSHIFT_SERVICE_H_
