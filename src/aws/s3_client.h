// The S3 client with its transport and environment given from outside, for tests that script the
// answers. make_s3_client (aws/s3.h) makes it with libcurl.
#ifndef VESTO_AWS_S3_CLIENT_H_
#define VESTO_AWS_S3_CLIENT_H_

#include <memory>

#include "aws/s3.h"
#include "net/http.h"

namespace vesto {

std::unique_ptr<S3> make_s3_client_on(S3Options options, Clock& clock,
                                      std::unique_ptr<HttpTransport> http,
                                      const Environment& environment = {});

}  // namespace vesto

#endif  // VESTO_AWS_S3_CLIENT_H_
