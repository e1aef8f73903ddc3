#include "sandbox/s3/s3_server.h"

#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

S3Server::S3Server(std::unique_ptr<S3Service> service) : service_(std::move(service)) {}
S3Server::~S3Server() { stop(); }

Result<std::unique_ptr<S3Server>, std::string> S3Server::start(const S3ServerOptions& options,
                                                               FileObjectStore& store,
                                                               const KeyRing& keys,
                                                               Faults& faults) {
  Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  auto service =
      std::make_unique<S3Service>(store, keys, options.gate, faults, options.region, clock);
  std::unique_ptr<S3Server> server(new S3Server(std::move(service)));
  HttpServerOptions http;
  http.port = options.port;
  http.tls = options.tls;
  http.clock = &clock;
  S3Service* raw = server->service_.get();
  const HttpHandler api = options.api;
  VESTO_ASSIGN(server->http_, HttpServer::start(http, [raw, api](HttpExchange& exchange) {
                 const HttpRequest& request = exchange.request();
                 // S3's own POSTs name a bucket, or carry a sub-resource.
                 const bool for_api = api && request.method == "POST" && request.path == "/" &&
                                      request.query.empty();
                 for_api ? api(exchange) : raw->handle(exchange);
               }));
  return server;
}

uint16_t S3Server::port() const { return http_->port(); }

void S3Server::stop() {
  if (http_) http_->stop();
}

}  // namespace vesto::sandbox
