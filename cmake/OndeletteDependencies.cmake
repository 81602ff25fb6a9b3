# Everything the project needs from outside, by component; Debian 12's packages are the reference.
find_package(absl REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
endif()

if("engine" IN_LIST ONDELETTE_COMPONENTS)
  find_package(Torch REQUIRED)
  find_package(ZLIB REQUIRED)
endif()

if(NOT ONDELETTE_COMPONENTS STREQUAL "engine")
  find_package(Protobuf REQUIRED)
  find_package(gRPC CONFIG REQUIRED)
  find_package(CLI11 REQUIRED)
endif()

if("agent" IN_LIST ONDELETTE_COMPONENTS OR "client" IN_LIST ONDELETTE_COMPONENTS)
  find_package(ICU REQUIRED COMPONENTS uc i18n)
endif()

if("server" IN_LIST ONDELETTE_COMPONENTS)
  find_package(SQLite3 REQUIRED)
endif()

if("agent" IN_LIST ONDELETTE_COMPONENTS OR "server" IN_LIST ONDELETTE_COMPONENTS)
  find_package(prometheus-cpp CONFIG REQUIRED)
endif()
