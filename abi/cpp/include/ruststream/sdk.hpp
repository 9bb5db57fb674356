#pragma once
// The author's SDK: a class with the verbs it has becomes a plugin. See README.md beside it.

#include <ruststream/sdk/backoff.hpp>
#include <ruststream/sdk/batch.hpp>
#include <ruststream/sdk/command_queue.hpp>
#include <ruststream/sdk/credit.hpp>
#include <ruststream/sdk/declare.hpp>
#include <ruststream/sdk/host.hpp>
#include <ruststream/sdk/objects.hpp>
#include <ruststream/sdk/options.hpp>
#include <ruststream/sdk/plugin.hpp>
#include <ruststream/sdk/publish.hpp>
#include <ruststream/sdk/pump.hpp>
#include <ruststream/sdk/refusals.hpp>
#include <ruststream/sdk/registry.hpp>
#include <ruststream/sdk/settle.hpp>
#include <ruststream/sdk/text.hpp>
#include <ruststream/sdk/tokens.hpp>
#include <ruststream/sdk/validate.hpp>
