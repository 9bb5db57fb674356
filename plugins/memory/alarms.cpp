#include "alarms.hpp"

namespace ruststream::memory {

void Alarms::arm(Alarm& alarm, std::int64_t due_ns) {
  if (due_ns == kNever) {
    if (alarm.place != Alarm::kNowhere) remove(alarm);
    alarm.due_ns = kNever;
    return;
  }
  if (alarm.place == Alarm::kNowhere) {
    heap_.push_back(&alarm);
    alarm.place = static_cast<std::uint32_t>(heap_.size() - 1);
  }
  alarm.due_ns = due_ns;
  sift_up(alarm.place);
  sift_down(alarm.place);
}

Alarm* Alarms::take_due(std::int64_t now_ns) {
  if (next_due_ns() > now_ns || heap_.empty()) return nullptr;
  Alarm* alarm = heap_.front();
  remove(*alarm);
  alarm->due_ns = kNever;
  return alarm;
}

void Alarms::remove(Alarm& alarm) noexcept {
  const auto place = alarm.place;
  alarm.place = Alarm::kNowhere;
  Alarm* last = heap_.back();
  heap_.pop_back();
  if (last == &alarm) return;
  put(place, last);
  sift_up(place);
  sift_down(last->place);
}

void Alarms::sift_up(std::uint32_t place) noexcept {
  Alarm* moving = heap_[place];
  while (place > 0) {
    const auto parent = (place - 1) / 2;
    if (heap_[parent]->due_ns <= moving->due_ns) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, moving);
}

void Alarms::sift_down(std::uint32_t place) noexcept {
  Alarm* moving = heap_[place];
  const auto size = static_cast<std::uint32_t>(heap_.size());
  for (;;) {
    auto child = 2 * place + 1;
    if (child >= size) break;
    if (child + 1 < size && heap_[child + 1]->due_ns < heap_[child]->due_ns) ++child;
    if (moving->due_ns <= heap_[child]->due_ns) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, moving);
}

}  // namespace ruststream::memory
