/* Only what the page draws with; everything else of ECharts is left out of the bundle. */
import { BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, SankeyChart } from 'echarts/charts';
import { CalendarComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

use([BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, SankeyChart, CalendarComponent, GridComponent, LegendComponent,
  MarkLineComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

export { init };
export type { ECharts } from 'echarts/core';
export type { EChartsOption } from 'echarts';
