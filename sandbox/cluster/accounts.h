// The database users of the sandbox, made at the first start: an ordinary one for loaders, who may
// create schemas in dev, and an administrator like a fresh Redshift's, who is a superuser of
// PostgreSQL too. Their passwords are kept in DIR/users.json (mode 0600).
#ifndef VESTO_SANDBOX_CLUSTER_ACCOUNTS_H_
#define VESTO_SANDBOX_CLUSTER_ACCOUNTS_H_

#include <optional>
#include <string>

#include "sandbox/cluster/cluster.h"

namespace vesto::sandbox {

struct Account {
  std::string user;
  std::string password;
};

struct Accounts {
  Account loader;  // vesto_load
  Account admin;   // awsuser
};

// Makes what is missing. The error is a text for the person who starts the sandbox.
Result<Accounts, std::string> load_or_make_accounts(const std::string& dir,
                                                    const PgCluster& cluster);

// The admin of a warehouse that is created: a superuser with this password, made or changed, and
// the owner of `database`, which is made if it is not there ("": none is looked at). Nothing: done;
// else PostgreSQL's text.
std::optional<std::string> make_admin(const PgCluster& cluster, const Account& admin,
                                      const std::string& database);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CLUSTER_ACCOUNTS_H_
