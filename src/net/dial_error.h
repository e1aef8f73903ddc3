// A TCP connection that was not made, as an error for people: likely cause, and what an allow-list
// has to take. The probe and libpq's connections (pg/dial.h) say the same.
// Thread rule: pure.
#ifndef VESTO_NET_DIAL_ERROR_H_
#define VESTO_NET_DIAL_ERROR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/probe.h"
#include "net/socket.h"

namespace vesto {

// `addresses`: those that were dialled; `limit_ms`: how long they were. NET-REFUSED, NET-TIMEOUT,
// NET-RESET, NET-UNREACHABLE, RUN-INTERRUPTED; the system's words are the upstream text.
Error dial_error(const ProbeOptions& options, const std::vector<std::string>& addresses,
                 const LostRace& lost, int64_t limit_ms);

}  // namespace vesto

#endif  // VESTO_NET_DIAL_ERROR_H_
