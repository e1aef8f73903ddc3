// From the configuration to what a run needs: the spec of a sync, its source, and how to reach its
// bucket and its warehouse. The one place where secrets are resolved for a run.
#ifndef VESTO_SYNC_ASSEMBLE_H_
#define VESTO_SYNC_ASSEMBLE_H_

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.h"
#include "base/budget.h"
#include "config/config.h"
#include "redshift/session.h"
#include "source/source.h"
#include "sync/identity.h"
#include "sync/run.h"
#include "sync/tunnel.h"

namespace vesto {

// Errors: CFG-NO-OBJECT (with the nearest name), CFG-SECRET-MISSING, CFG-VALUE, and those of
// SealedStore::get where the configuration names a sealed secret.
// `stop` ends a connection attempt that waits; a default token never does.
Result<std::unique_ptr<Source>> make_source(const Config& config, std::string_view name,
                                            const SealedStore& secrets,
                                            const std::stop_token& stop);

// The tables of a sync as a run takes them; patterns are not expanded.
std::vector<TableSpec> table_specs(const SyncConfig& sync);

// "source.pg (vesto.toml:2)", for errors of its connection.
std::string source_place(const SourceConfig& source);

// Who Vesto is at the destination, with its secrets resolved.
Result<IdentityOptions> identity_options(const Config& config, const DestinationConfig& destination,
                                         const SealedStore& secrets);

// How a warehouse is reached, and who we are there.
struct AssembledDestination {
  RedshiftOptions redshift;
  std::shared_ptr<DestinationIdentity> identity;
  std::shared_ptr<SshTunnel> tunnel;  // nothing: the way is direct
  std::string where;                  // "destination.acme (vesto.toml:12)"

  // Connects to the warehouse. Valid as long as this object.
  RedshiftConnector connector();
  // How it is waited for where it is away. Valid as long as this object.
  WarehouseCare care();
  int64_t wait_for_warehouse_ms = 0;
};

// Dials nothing.
Result<AssembledDestination> assemble_destination(const Config& config,
                                                  const DestinationConfig& destination,
                                                  const SealedStore& secrets,
                                                  const std::stop_token& stop);

// How the staging bucket is reached.
S3Options staging_options(const DestinationConfig& destination,
                          const DestinationIdentity& identity);

struct AssembledSync {
  SyncSpec spec;
  std::unique_ptr<Source> source;
  S3Options s3;
  AssembledDestination destination;

  RedshiftConnector connector() { return destination.connector(); }
  // The services of a run. Valid as long as this object and the three handed in.
  RunServices services(Store& store, Clock& clock, ByteBudget& budget);
};

// `stop` as above, for the source and the warehouse.
Result<AssembledSync> assemble_sync(const Config& config, std::string_view name,
                                    const SealedStore& secrets, const std::stop_token& stop);

}  // namespace vesto

#endif  // VESTO_SYNC_ASSEMBLE_H_
