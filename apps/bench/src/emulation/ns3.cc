// The plain stream of stream.ts through a point-to-point link of ns-3, in simulated time: one line "atMs tookMs" for each
// packet that arrives.
// Arguments: rate in bits/s, delay in ms, queue in packets, mean loss, mean burst in packets (1: losses are independent),
// interval in ms, packets, bytes on the link.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "ns3/core-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3;

static std::map<uint64_t, double> sentMs;

static double NowMs() { return Simulator::Now().GetSeconds() * 1000; }

static bool Arrived(Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t, const Address&) {
  std::printf("%.6f %.6f\n", NowMs(), NowMs() - sentMs[packet->GetUid()]);
  return true;
}

static void Send(Ptr<NetDevice> device, uint32_t bytes) {
  const uint32_t pppBytes = 2;
  Ptr<Packet> packet = Create<Packet>(bytes - pppBytes);
  sentMs[packet->GetUid()] = NowMs();
  device->Send(packet, device->GetBroadcast(), 0x800);
}

static Ptr<ErrorModel> Losses(double meanLoss, double meanBurst) {
  if (meanBurst <= 1) {
    Ptr<RateErrorModel> model = CreateObject<RateErrorModel>();
    model->SetUnit(RateErrorModel::ERROR_UNIT_PACKET);
    model->SetRate(meanLoss);
    return model;
  }
  // Bursts of geometric length: the whole part of an exponential variable; of those that come out as 0, which are none, as
  // many more begin.
  Ptr<ExponentialRandomVariable> length = CreateObject<ExponentialRandomVariable>();
  length->SetAttribute("Mean", DoubleValue(-1 / std::log(1 - 1 / meanBurst)));
  Ptr<BurstErrorModel> model = CreateObject<BurstErrorModel>();
  model->SetRandomBurstSize(length);
  model->SetBurstRate(meanLoss / (1 - meanLoss) / meanBurst / (1 - 1 / meanBurst));
  return model;
}

int main(int, char* arguments[]) {
  const double rate = std::atof(arguments[1]), delayMs = std::atof(arguments[2]);
  const int queuePackets = std::atoi(arguments[3]), packets = std::atoi(arguments[7]), bytes = std::atoi(arguments[8]);
  const double meanLoss = std::atof(arguments[4]), meanBurst = std::atof(arguments[5]), intervalMs = std::atof(arguments[6]);
  NodeContainer nodes;
  nodes.Create(2);
  PointToPointHelper helper;
  helper.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(rate))));
  helper.SetDeviceAttribute("Mtu", UintegerValue(2000));
  helper.SetChannelAttribute("Delay", TimeValue(MicroSeconds(delayMs * 1000)));
  helper.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue(std::to_string(queuePackets) + "p"));
  NetDeviceContainer devices = helper.Install(nodes);
  if (meanLoss > 0) devices.Get(1)->SetAttribute("ReceiveErrorModel", PointerValue(Losses(meanLoss, meanBurst)));
  devices.Get(1)->SetReceiveCallback(MakeCallback(&Arrived));
  for (int i = 0; i < packets; i++) {
    Simulator::Schedule(NanoSeconds(i * intervalMs * 1e6), &Send, devices.Get(0), static_cast<uint32_t>(bytes));
  }
  Simulator::Run();
  Simulator::Destroy();
  return 0;
}
