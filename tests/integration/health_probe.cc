// Asks grpc.health.v1 of an address over and over until its stdin closes, and prints the slowest
// answer in seconds.
#include <grpcpp/grpcpp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "health.grpc.pb.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto stub = grpc::health::v1::Health::NewStub(
      grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  double slowest = 0;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, 10) == 0) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    grpc::health::v1::HealthCheckResponse response;
    auto start = std::chrono::steady_clock::now();
    grpc::Status status = stub->Check(&context, {}, &response);
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (!status.ok() || response.status() != grpc::health::v1::HealthCheckResponse::SERVING) {
      std::cerr << status.error_message() << '\n';
      return 1;
    }
    slowest = std::max(slowest, took.count());
  }
  std::cout << slowest << '\n';
  return 0;
}
