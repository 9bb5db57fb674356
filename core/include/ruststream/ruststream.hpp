#pragma once

/// Everything that a service needs.
#include <ruststream/app.hpp>
#include <ruststream/client.hpp>
#include <ruststream/describe.hpp>
