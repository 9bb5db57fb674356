// Finding or making the consumer at the server, at first and whenever it may be gone.
#include "declarations.hpp"
#include "errors.hpp"
#include "jetstream_consumer.hpp"
#include "link.hpp"

namespace ruststream::nats {
namespace {

constexpr nanoseconds kFirstDelay = 100ms, kMostDelay = 5s;  // between attempts to find the consumer again
constexpr auto kDeletedDelay = 1s;   // a consumer that was deleted may be on its way back: another member seeks
constexpr auto kMovedDelay = 300ms;  // its leader changes

}  // namespace

StreamConsumer::StreamConsumer(sdk::Subscription& of, Link& on, const rst_subscription_spec& spec)
    : Consumer(of, on),
      spec_(stream_spec_of(spec)),
      settles_(spec_.config.settles),
      own_(spec_.config.name.empty()),
      backoff_(kFirstDelay, kMostDelay),
      pool_(sdk::BatchPool<StreamItem>::make(spec_.max_batch)),
      tokens_(settles_ ? spec_.window : 1) {}

Time StreamConsumer::api_deadline() const {
  const Time usual = Clock::now() + link.settings.op_timeout;
  if (seeking_) return std::min(usual, seeking_->deadline);
  return state_ == State::kOpening ? std::min(usual, deadline_) : usual;
}

void StreamConsumer::open(Time deadline) {
  deadline_ = deadline;
  timer_ = link.io.timers.at(deadline, [this] {
    timer_ = Timers::kNone;
    end(last_failure_ ? *last_failure_
                      : make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE, "subscribe to `",
                                   sdk::subject(spec_.config.filters.front()), "`: JetStream did not answer in time"));
  });
  if (link.session() != nullptr) session_up(*link.session());
}

void StreamConsumer::session_up(Session& session) {
  inbox_ = new_inbox(link.settings.inbox_prefix);
  subscription_ = subscribe_inbox(session, inbox_);
  if (state_ == State::kEnded) return;
  if (state_ == State::kClosing) return give_back();
  if (!settles_ && state_ != State::kOpening) go_on_behind(last_sequence_);
  establish();
}

void StreamConsumer::session_down(const rst_error& why) {
  take();
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
  ledger_.forget();
  ++turn_;
  link.io.timers.cancel(later_);
  link.io.timers.cancel(pulse_);
  if (state_ == State::kClosing) return;
  if (state_ == State::kUp) state_ = State::kAway;
  if (state_ == State::kAway) told_down(why);
  if (link.is_final() && (state_ == State::kAway || state_ == State::kOpening)) try_later(0ns);  // ends it, later
}

void StreamConsumer::told_down(const rst_error& why) {
  if (std::exchange(down_told_, true)) return;
  rst_event event = sdk::Host::event(RST_EVENT_SUB_DOWN, owner.about());
  event.error = &why;
  owner.host().send(event);
}

void StreamConsumer::establish() {
  ++turn_;
  link.io.timers.cancel(later_);
  if (link.is_final()) return end(link.why_away());
  if (link.session() == nullptr) return;  // session_up comes back here
  if (spec_.config.stream.empty()) return find_stream();
  if (seeking_) return seek_step();
  if (spec_.config.name.empty() || anew_) return create();
  look();
}

void StreamConsumer::find_stream() {
  const auto& address = spec_.config.filters.front();
  ask("STREAM.NAMES", written({{"subject", address}}), "look for the stream of `" + address + '`',
      [](StreamConsumer& self, const Answered& answered) {
        if (!answered.ok()) return self.failed(answered.error);
        const auto& subject = self.spec_.config.filters.front();
        const auto streams = answered.answer.body.find("streams");
        const bool any = streams != answered.answer.body.end() && streams->is_array() && !streams->empty();
        if (!any) {
          return self.failed(make_error(RST_E_NOT_FOUND, RST_ERROR_USER, "no stream stores subject `",
                                        sdk::subject(subject), "`; create one, or name it by option `stream`"));
        }
        if (streams->size() > 1) {
          return self.failed(make_error(RST_E_INVALID, RST_ERROR_USER, streams->size(), " streams store subject `",
                                        sdk::subject(subject), "`; name one of them by option `stream`"));
        }
        self.spec_.config.stream = (*streams)[0].is_string() ? (*streams)[0].get<std::string>() : std::string();
        if (!is_stream_name(self.spec_.config.stream)) {
          return self.failed(make_error(RST_E_CORRUPT, 0, "the server names a stream that has no name"));
        }
        self.establish();
      });
}

void StreamConsumer::look() {
  ask("CONSUMER.INFO." + spec_.config.stream + '.' + spec_.config.name, "",
      "look for consumer `" + spec_.config.name + "` of stream `" + spec_.config.stream + '`',
      [](StreamConsumer& self, const Answered& answered) { self.found(answered); });
}

void StreamConsumer::found(const Answered& answered) {
  if (answered.ok()) {
    const auto& kept = object_in(answered.answer.body, "config");
    if (const auto other = difference(spec_.config.json(), kept, spec_.strict)) {
      return failed(make_error(RST_E_PRECONDITION, RST_ERROR_USER, "consumer `", sdk::subject(spec_.config.name),
                               "` is there with other settings: ", *other));
    }
    if (kept.contains("deliver_subject")) {
      return failed(make_error(RST_E_PRECONDITION, RST_ERROR_USER, "consumer `", sdk::subject(spec_.config.name),
                               "` is there and pushes; this kind pulls"));
    }
    const auto at = text_in(answered.answer.body, "created");
    if (!created_at_.empty() && at != created_at_) begin_again("the consumer is another one");
    created_at_ = at;
    return ready(kept);
  }
  if (!answered.not_found() || answered.error.native == 10059) return failed(answered.error);  // no such stream
  if (state_ == State::kOpening) return create();
  if (spec_.config.durable) return failed(answered.error);  // whoever deleted it meant it
  go_on_behind(lowest_unsettled() - 1);
  create();
}

void StreamConsumer::create() {
  const auto& config = spec_.config;
  const std::string subject = config.create_subject("");
  ask(subject.substr(1), config.create_request(), "create a consumer of stream `" + config.stream + '`',
      [](StreamConsumer& self, const Answered& answered) { self.created(answered); });
}

void StreamConsumer::created(const Answered& answered) {
  if (!answered.ok()) return failed(answered.error);
  const auto& body = answered.answer.body;
  const auto name = text_in(body, "name");
  if (const auto lost = difference(spec_.config.json(), object_in(body, "config"))) {
    ask_api(link, "CONSUMER.DELETE." + spec_.config.stream + '.' + name, "", Clock::now() + link.settings.op_timeout,
            "", [](const Answered&) {});  // this call made it, and nobody wants it so
    return failed(
        make_error(RST_E_PRECONDITION, RST_ERROR_USER, "the server does not keep a setting of the consumer: ", *lost));
  }
  if (settles_) spec_.config.name = name;  // `ordered` makes another one each time
  if (!settles_) ordered_name_ = name;
  next_consumer_sequence_ = 1;
  anew_ = false;
  created_at_ = text_in(body, "created");
  ready(object_in(body, "config"));
}

void StreamConsumer::ready(const nlohmann::json& kept) {
  backoff_.reset();
  last_failure_.reset();
  most_at_once_ = number_in(kept, "max_batch");
  pull_subject_ = link.settings.js_prefix + ".CONSUMER.MSG.NEXT." + spec_.config.stream + '.' +
                  (settles_ ? spec_.config.name : ordered_name_);
  ledger_.forget();
  const bool opening = state_ == State::kOpening;
  state_ = State::kUp;
  if (opening) {
    link.io.timers.cancel(timer_);
    owner.opened();
  }
  if (std::exchange(down_told_, false)) owner.host().send(sdk::Host::event(RST_EVENT_SUB_UP, owner.about()));
  if (seeking_) end_seek(nullptr);
  send_unsent();  // behind the look at the consumer: see give_back
  link.io.timers.cancel(pulse_);
  pulse();
  deliver();
  pull();
}

/// What was delivered is void: it comes again, or others have it.
void StreamConsumer::begin_again(std::string_view why) {
  owner.host().log(RST_LOG_INFO, owner.about(), "nats", "subscription begins again: ", why);
  held_.clear();
  if (settles_) tokens_.void_all([](Delivery&&) {});
  (void)owner.next_generation();
}

/// The next consumer begins behind this sequence number; 0: as the first did.
void StreamConsumer::go_on_behind(std::uint64_t sequence) {
  if (settles_) begin_again("the server has forgotten the consumer");
  anew_ = true;
  if (sequence == 0) return;
  rst_position position = position_at(sequence);
  position.kind = RST_POSITION_AFTER;
  (void)start_at(position, spec_.config);
}

std::uint64_t StreamConsumer::lowest_unsettled() const {
  std::uint64_t lowest = last_sequence_ + 1;
  tokens_.each_live([&](std::uint64_t, const Delivery& each) { lowest = std::min(lowest, each.sequence); });
  for (const Held& each : held_) lowest = std::min(lowest, each.ack.stream_sequence);
  return lowest;
}

void StreamConsumer::try_later(nanoseconds delay) {
  ++turn_;
  link.io.timers.cancel(later_);
  later_ = link.io.timers.at(Clock::now() + delay, [this] {
    later_ = Timers::kNone;
    establish();
  });
}

/// An attempt failed: another one, where it may help.
void StreamConsumer::failed(const rst_error& why) {
  if (seeking_ && (why.flags & RST_ERROR_RETRYABLE) == 0) return end_seek(&why);
  last_failure_ = why;
  const bool without_jetstream = why.code == RST_E_UNAVAILABLE && link.session() != nullptr && why.native == 0;
  if ((why.flags & RST_ERROR_RETRYABLE) == 0 || (state_ == State::kOpening && without_jetstream)) return end(why);
  if (link.session() != nullptr) try_later(backoff_.next());
}

/// For good.
void StreamConsumer::end(const rst_error& why) {
  ++turn_;
  for (auto* const each : {&timer_, &pulse_, &later_}) link.io.timers.cancel(*each);
  if (seeking_) end_seek(&why);
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
  if (state_ == State::kOpening) {
    link.consumers.erase(owner.id());
    return owner.open_failed(why);  // it may be gone
  }
  state_ = State::kEnded;
  rst_event event = sdk::Host::event(RST_EVENT_SUB_ENDED, owner.about());
  event.error = &why;
  owner.host().send(event);
}

/// A status of the server says that the consumer is gone, or elsewhere.
void StreamConsumer::gone(bool deleted) {
  if (state_ != State::kUp) return;
  state_ = State::kAway;
  ledger_.forget();
  link.io.timers.cancel(pulse_);
  told_down(make_error(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, "consumer of stream `",
                       sdk::subject(spec_.config.stream), deleted ? "` was deleted" : "` moves"));
  try_later(deleted ? kDeletedDelay : kMovedDelay);
}

std::int32_t StreamConsumer::seek(std::span<const rst_position> positions, std::uint64_t op, sdk::ErrorOut error) {
  if (positions.size() != 1) return error(RST_E_INVALID, "a stream has one order: seek takes one position");
  ConsumerConfig start;
  if (!start_at(positions.front(), start)) return error(RST_E_INVALID, "the position is none of a stream");
  link.io.post(owner.connection_id(), [id = owner.id(), start = std::move(start), op](Link& self) mutable {
    auto* const found = self.consumer<StreamConsumer>(id);
    if (found == nullptr) {
      return self.owner.host().fail(op,
                                    make_error(RST_E_CLOSED, 0, "the subscription was closed before it could seek"));
    }
    found->begin_seek(std::move(start), op);
  });
  return RST_PENDING;
}

void StreamConsumer::begin_seek(ConsumerConfig start, std::uint64_t op) {
  if (seeking_ || state_ == State::kEnded || state_ == State::kClosing) {
    return owner.host().fail(op, make_error(seeking_ ? RST_E_STATE : RST_E_CLOSED, 0,
                                            seeking_ ? "another seek is under way" : "the subscription has ended"));
  }
  const Time deadline = Clock::now() + link.settings.op_timeout;
  seeking_ = Seeking{std::move(start), op, deadline, link.io.timers.at(deadline, [this] {
                       seeking_->timer = Timers::kNone;
                       const auto late = make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED,
                                                    "seek: JetStream did not answer in time");
                       end_seek(&late);
                       if (state_ == State::kAway) establish();
                     })};
  state_ = State::kAway;
  ledger_.forget();
  link.io.timers.cancel(pulse_);
  establish();
}

/// A consumer cannot be moved: it is deleted, with all that was pulled, and made anew.
void StreamConsumer::seek_step() {
  const auto make = [](StreamConsumer& self) {
    self.take();  // the last of the old one
    self.begin_again("seek");
    self.spec_.config.deliver = self.seeking_->to.deliver;
    self.spec_.config.start_sequence = self.seeking_->to.start_sequence;
    self.spec_.config.start_time_ns = self.seeking_->to.start_time_ns;
    self.last_sequence_ = 0;
    self.create();
  };
  const auto& name = settles_ ? spec_.config.name : ordered_name_;
  ask("CONSUMER.DELETE." + spec_.config.stream + '.' + name, "", "seek",
      [make](StreamConsumer& self, const Answered& answered) {
        if (!answered.ok() && !answered.not_found()) return self.failed(answered.error);
        make(self);
      });
}

void StreamConsumer::end_seek(const rst_error* error) {
  Seeking over = std::move(*seeking_);
  seeking_.reset();
  link.io.timers.cancel(over.timer);
  if (error == nullptr) return owner.host().complete(over.op);
  owner.host().fail(over.op, *error);
}

}  // namespace ruststream::nats
