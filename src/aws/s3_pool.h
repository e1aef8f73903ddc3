// S3 clients that are lent: a client keeps its connection, so whoever needs one next is spared
// another TLS handshake.
//
//   S3Pool pool([&] { return make_s3_client(options, clock); });
//   const std::unique_ptr<S3> s3 = pool.take();   // goes back when it is destroyed
//
// Bound: kIdleClients are kept; others end with their use.
// Thread rule: take() from any thread; a client belongs to one thread at a time. What was taken may
// outlive the pool.
#ifndef VESTO_AWS_S3_POOL_H_
#define VESTO_AWS_S3_POOL_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "aws/s3.h"

namespace vesto {

class S3Pool {
 public:
  static constexpr size_t kIdleClients = 8;

  explicit S3Pool(std::function<std::unique_ptr<S3>()> make);
  std::unique_ptr<S3> take();

 private:
  struct Idle;
  std::function<std::unique_ptr<S3>()> make_;
  std::shared_ptr<Idle> idle_;
};

}  // namespace vesto

#endif  // VESTO_AWS_S3_POOL_H_
