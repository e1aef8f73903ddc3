// A port that is kept and refuses everybody: a socket that is bound and does not listen. Nobody
// else gets the port meanwhile.
#ifndef VESTO_SANDBOX_SESSION_CLOSED_PORT_H_
#define VESTO_SANDBOX_SESSION_CLOSED_PORT_H_

#include <cstdint>

namespace vesto::sandbox {

// Closes the listening socket and keeps its port on 127.0.0.1. The descriptor, which listen() makes
// a listener again; -1: the port is lost (errno).
int close_port(int listen_fd, uint16_t port);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_CLOSED_PORT_H_
